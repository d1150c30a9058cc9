import { AgentrtError } from "../../core/errors.ts";
import type { WriteCall, WriteInput, WriteMethod, WriteResult } from "./log-calls.ts";
import { receiveError } from "./log-errors.ts";
import type { LogBatch } from "./message-log.ts";
import { buffersOf, pack } from "./packed-batches.ts";
import type { Outcome, ToLogThread } from "./thread-messages.ts";

interface Queued {
  readonly call: WriteCall;
  readonly batches: readonly LogBatch[];
  readonly bytes: number;
  resolve(value: unknown): void;
  reject(error: AgentrtError): void;
}

/** Of one transaction, so that a long queue does not keep the first of it waiting. */
const MAX_GROUP_CALLS = 4_096;
const MAX_GROUP_BYTES = 8 * 1_048_576;

/**
 * Group commit: while the thread is busy with one group of calls, the next gathers here, and goes when that one is
 * answered. One group at a time keeps groups large, and with them the share of an fsync small.
 */
export class WriteQueue {
  readonly #post: (message: ToLogThread, handOver: ArrayBuffer[]) => void;
  readonly #maxQueuedBytes: number;
  readonly #now: () => number;
  readonly #queued: Queued[] = [];
  #sent: readonly Queued[] = [];
  #queuedBytes = 0;
  #isFlushDue = false;
  #end: AgentrtError | undefined;
  #onIdle: (() => void) | undefined;

  constructor(
    post: (message: ToLogThread, handOver: ArrayBuffer[]) => void,
    options: { readonly maxQueuedBytes: number; readonly now: () => number },
  ) {
    this.#post = post;
    this.#maxQueuedBytes = options.maxQueuedBytes;
    this.#now = options.now;
  }

  call<M extends WriteMethod>(
    method: M,
    input: WriteInput<M>,
    batches: readonly LogBatch[] = [],
  ): Promise<WriteResult<M>> {
    return new Promise<WriteResult<M>>((resolve, reject) => {
      const bytes = batches.reduce((sum, batch) => sum + batch.records.byteLength, 0);
      const refusal = this.#end ?? this.#fullness(bytes);
      if (refusal !== undefined) {
        reject(refusal);
        return;
      }
      this.#queuedBytes += bytes;
      this.#queued.push({
        call: { method, input, batches: batches.length },
        batches,
        bytes,
        // The thread answers a method with its own result.
        resolve: (value) => resolve(value as WriteResult<M>),
        reject,
      });
      this.#flushSoon();
    });
  }

  /** The thread's answer to the group that it was sent. */
  written(outcomes: readonly Outcome[]): void {
    const sent = this.#sent;
    this.#sent = [];
    // Before the callers go on, so that the thread is not idle meanwhile.
    this.#flush();
    for (const [index, { resolve, reject }] of sent.entries()) {
      const outcome = outcomes[index];
      if (outcome?.isOk === true) {
        resolve(outcome.value);
      } else {
        reject(
          outcome === undefined
            ? new AgentrtError("INTERNAL", "The thread of the message log gave too few answers.")
            : receiveError(outcome.error),
        );
      }
    }
  }

  /** Resolves when everything queued so far is answered; what is queued later is refused. */
  drain(reason: AgentrtError): Promise<void> {
    this.#end ??= reason;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    this.#flush();
    return promise;
  }

  /** Nothing will be answered any more. */
  fail(reason: AgentrtError): void {
    this.#end ??= reason;
    const lost = [...this.#sent, ...this.#queued];
    this.#sent = [];
    this.#queued.length = 0;
    for (const { reject } of lost) {
      reject(reason);
    }
    this.#onIdle?.();
  }

  #fullness(bytes: number): AgentrtError | undefined {
    if (this.#queuedBytes === 0 || this.#queuedBytes + bytes <= this.#maxQueuedBytes) {
      return undefined;
    }
    return new AgentrtError(
      "QUEUE_FULL",
      `${this.#queuedBytes} bytes of durable messages wait for the disk, and no more than ${this.#maxQueuedBytes} may. The disk is slower than what is published.`,
      { data: { queuedBytes: this.#queuedBytes } },
    );
  }

  #flushSoon(): void {
    if (this.#sent.length === 0 && !this.#isFlushDue) {
      this.#isFlushDue = true;
      // At the end of this turn: what is appended in one turn is one group.
      queueMicrotask(() => {
        this.#isFlushDue = false;
        this.#flush();
      });
    }
  }

  #flush(): void {
    if (this.#sent.length > 0) {
      return;
    }
    const group = this.#queued.splice(0, this.#groupSize());
    if (group.length === 0) {
      this.#onIdle?.();
      return;
    }
    this.#sent = group;
    for (const { bytes } of group) {
      this.#queuedBytes -= bytes;
    }
    const batches = pack(group.flatMap((queued) => queued.batches));
    this.#post(
      { kind: "write", nowMs: this.#now(), calls: group.map(({ call }) => call), batches },
      buffersOf(batches),
    );
  }

  #groupSize(): number {
    let bytes = 0;
    let calls = 0;
    for (const queued of this.#queued) {
      bytes += queued.bytes;
      if (calls > 0 && (calls >= MAX_GROUP_CALLS || bytes > MAX_GROUP_BYTES)) {
        break;
      }
      calls += 1;
    }
    return calls;
  }
}
