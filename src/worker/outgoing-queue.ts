import type { Envelope } from "../core/envelope.ts";
import { ENVELOPE_OVERHEAD_BYTES } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PrioritizedQueue, type QueueLimits } from "../core/prioritized-queue.ts";
import { priorityOf } from "../core/priority.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { cancelled } from "./pending-calls.ts";

/** Where frames go: a connection, as this queue sees it. */
export interface FrameSink {
  /** False: take no more until `onDrain` calls. */
  write(bytes: Uint8Array): boolean;
  onDrain(listener: () => void): void;
}

interface Outgoing {
  readonly envelope: Envelope;
  readonly bytes: Uint8Array;
  /** Set on an answer: it is good for the connection that its request came on only. */
  readonly onlyFor: FrameSink | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A publisher that waits for room. */
interface Waiter {
  readonly item: Outgoing;
  readonly done: (error?: AgentrtError) => void;
}

export interface OutgoingQueueOptions {
  readonly limits: QueueLimits;
  readonly maxMessageBytes: number;
  /** Called when a frame was handed to the connection. */
  readonly onWritten: (envelope: Envelope) => void;
}

/** detached: keeps messages for later. open: writes at once. full: the sink asked to wait. */
type QueueState =
  | { readonly kind: "detached" }
  | { readonly kind: "open"; readonly sink: FrameSink }
  | { readonly kind: "full"; readonly sink: FrameSink };

/**
 * Messages on their way to the host. While there is no connection it keeps them up to its limits;
 * while there is one it writes only what the connection takes, so that an urgent message overtakes
 * the rest here, and a publisher that is faster than the connection waits.
 */
export class OutgoingQueue {
  readonly #options: OutgoingQueueOptions;
  readonly #queue: PrioritizedQueue<Outgoing>;
  #waiters: Waiter[] = [];
  #state: QueueState = { kind: "detached" };
  #emptyListeners: (() => void)[] = [];

  constructor(options: OutgoingQueueOptions) {
    this.#options = options;
    this.#queue = new PrioritizedQueue<Outgoing>(options.limits);
  }

  get length(): number {
    return this.#queue.length + this.#waiters.length;
  }

  /**
   * Resolves when the message is accepted.
   * @throws AgentrtError `TOO_LARGE`; `NOT_CONNECTED` when there is no connection and no room;
   *   `QUEUE_FULL` when too many publishers wait for a slow connection; `CANCELLED`
   */
  async send(
    envelope: Envelope,
    signal: AbortSignal | undefined,
    onlyFor?: FrameSink,
  ): Promise<void> {
    const item: Outgoing = { envelope, bytes: this.#encode(envelope), onlyFor, signal };
    if (this.#waiters.length === 0 && this.#push(item)) {
      this.#writeAll();
      return;
    }
    if (this.#state.kind === "detached") {
      throw notConnected(this.#queue);
    }
    await this.#waitForRoom(item);
  }

  /** Begins to write to a connection, what was kept first. */
  attach(sink: FrameSink): void {
    this.#state = { kind: "open", sink };
    sink.onDrain(() => {
      if (this.#state.kind === "full" && this.#state.sink === sink) {
        this.#state = { kind: "open", sink };
        this.#writeAll();
      }
    });
    this.#writeAll();
  }

  /** Stops writing; publishers that wait for room get `NOT_CONNECTED`. */
  detach(): void {
    this.#state = { kind: "detached" };
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter.done(notConnected(this.#queue));
    }
  }

  /** Resolves when everything was handed to the connection. */
  async emptied(): Promise<void> {
    while (this.length > 0 || this.#state.kind === "full") {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptyListeners.push(resolve);
      await promise;
    }
  }

  /** Gives up everything that waits. Returns it. */
  clear(): readonly Envelope[] {
    return [...this.#queue.drain()].map(({ envelope }) => envelope);
  }

  #encode(envelope: Envelope): Uint8Array {
    const bytes = encodeMessage(envelope);
    const { maxMessageBytes } = this.#options;
    if (bytes.byteLength > maxMessageBytes) {
      throw new AgentrtError(
        "TOO_LARGE",
        `The message is ${bytes.byteLength} bytes, over the limit of ${maxMessageBytes}. Send less, or raise maxMessageBytes here and on the host.`,
        { data: { bytes: bytes.byteLength, limit: maxMessageBytes } },
      );
    }
    return bytes;
  }

  #push(item: Outgoing): boolean {
    const bytes = ENVELOPE_OVERHEAD_BYTES + item.bytes.byteLength;
    return this.#queue.push(item, bytes, priorityOf(item.envelope.headers));
  }

  async #waitForRoom(item: Outgoing): Promise<void> {
    const { maxMessages } = this.#options.limits;
    if (this.#waiters.length >= maxMessages) {
      throw new AgentrtError(
        "QUEUE_FULL",
        `${this.length} messages wait for the connection to the host already. Await each publish, or send slower.`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#waiters = this.#waiters.filter((waiter) => waiter.item !== item);
      reject(cancelled("room in the outgoing queue", item.signal?.reason));
    };
    item.signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiters.push({
      item,
      done: (error) => {
        item.signal?.removeEventListener("abort", onAbort);
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      },
    });
    await promise;
  }

  #writeAll(): void {
    while (this.#state.kind === "open") {
      const item = this.#queue.shift();
      this.#admitWaiters();
      if (item === undefined) {
        break;
      }
      const { sink } = this.#state;
      if (item.signal?.aborted === true || (item.onlyFor !== undefined && item.onlyFor !== sink)) {
        continue;
      }
      if (!sink.write(item.bytes)) {
        this.#state = { kind: "full", sink };
      }
      this.#options.onWritten(item.envelope);
    }
    this.#tellIfEmpty();
  }

  #admitWaiters(): void {
    let admitted = 0;
    for (const waiter of this.#waiters) {
      if (!this.#push(waiter.item)) {
        break;
      }
      admitted += 1;
      waiter.done();
    }
    if (admitted > 0) {
      this.#waiters = this.#waiters.slice(admitted);
    }
  }

  #tellIfEmpty(): void {
    if (this.length === 0 && this.#state.kind !== "full") {
      const listeners = this.#emptyListeners;
      this.#emptyListeners = [];
      for (const resolve of listeners) {
        resolve();
      }
    }
  }
}

function notConnected(queue: PrioritizedQueue<Outgoing>): AgentrtError {
  return new AgentrtError(
    "NOT_CONNECTED",
    `There is no connection to the host, and ${queue.length} messages (${queue.bytes} bytes) wait for it already, the limit. They go out when the host is back; send this one again then.`,
    { data: { waitingMessages: queue.length, waitingBytes: queue.bytes } },
  );
}
