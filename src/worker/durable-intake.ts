import { getLogger } from "@logtape/logtape";
import type { ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { PositionRanges } from "../core/position-ranges.ts";
import type { BatchedEvent } from "../wire/link/batched-event.ts";
import type { AgentSlot } from "./agent-slot.ts";
import { errorOfAnswer } from "./answer.ts";
import type { MutableDispatchCounts } from "./dispatch-counts.ts";
import type { HandledRecords } from "./handled-records.ts";

const logger = getLogger(["agentrt", "worker"]);

/** Which durable record a message is. */
export interface DurableRecord {
  /** The host's cursor that it is delivered for. */
  readonly cursor: string;
  readonly position: number;
}

/** What becomes of durable records, for the host that delivers them. */
export interface DurableOutcomes {
  /** @param ranges pairs of a first position and a count */
  ack(cursor: string, ranges: readonly number[]): void;
  nack(cursor: string, position: number, error: string): void;
}

export interface DurableIntakeParts {
  readonly handled: HandledRecords;
  readonly counts: MutableDispatchCounts;
  /** Gives an event to an instance; `respond` is called once. @throws AgentrtError when the runtime stops */
  readonly offer: (
    slot: AgentSlot,
    event: BatchedEvent,
    respond: (response: ResponseEnvelope) => void,
    record: DurableRecord,
  ) => void;
  /** True once the runtime stops: what is not handled then goes back to the host by itself. */
  readonly isRefusing: () => boolean;
}

/** Hands durable records to their agents, each once, and reports how it went. */
export class DurableIntake {
  readonly #parts: DurableIntakeParts;
  /** Where reports go; absent while there is no connection that takes them. */
  outcomes: DurableOutcomes | undefined;
  /** Records that wait for their handler or are with it, by cursor. */
  readonly #open = new Map<string, Set<number>>();
  readonly #acks = new Map<string, PositionRanges>();
  #flushing: ReturnType<typeof setImmediate> | undefined;

  constructor(parts: DurableIntakeParts) {
    this.#parts = parts;
  }

  take(slot: AgentSlot | undefined, event: BatchedEvent, record: DurableRecord): void {
    const { cursor, position } = record;
    const open = this.#open.get(cursor) ?? new Set();
    this.#open.set(cursor, open);
    if (open.has(position)) {
      // It is told how the first one went.
      this.#parts.counts.duplicates += 1;
      return;
    }
    if (slot === undefined) {
      this.#fail(record, notSubscribed(event));
      return;
    }
    open.add(position);
    try {
      if (this.#parts.handled.has(slot.id, cursor, position)) {
        this.#parts.counts.duplicates += 1;
        open.delete(position);
        this.#retrySave(slot, record);
        return;
      }
      this.#parts.offer(
        slot,
        event,
        (response) => {
          open.delete(position);
          const error = errorOfAnswer(response);
          if (error === undefined) {
            this.ack(record);
          } else {
            this.#fail(record, error);
          }
        },
        record,
      );
    } catch (error) {
      open.delete(position);
      this.#fail(record, AgentrtError.from(error));
    }
  }

  /** It need not come again. */
  ack({ cursor, position }: DurableRecord): void {
    const ranges = this.#acks.get(cursor) ?? new PositionRanges();
    this.#acks.set(cursor, ranges);
    ranges.add(position, position);
    this.#flushing ??= setImmediate(() => this.flush());
  }

  /** Reports what has not been reported. */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    for (const [cursor, { ranges }] of this.#acks) {
      this.outcomes?.ack(
        cursor,
        ranges.flatMap(([first, last]) => [first, last - first + 1]),
      );
    }
    // Without a connection they come again, and are acknowledged then.
    this.#acks.clear();
  }

  /** It was handled and could perhaps not be stored: then it is only done when that has succeeded. */
  #retrySave(slot: AgentSlot, record: DurableRecord): void {
    slot.saveIfChanged().then(
      () => this.ack(record),
      (error: unknown) => this.#fail(record, AgentrtError.from(error)),
    );
  }

  #fail({ cursor, position }: DurableRecord, error: AgentrtError): void {
    if (this.#parts.isRefusing()) {
      return;
    }
    logger.debug("a durable message was not handled", { cursor, position, error });
    this.outcomes?.nack(cursor, position, `${error.code}: ${messageOf(error)}`);
  }
}

function notSubscribed(event: BatchedEvent): AgentrtError {
  return new AgentrtError(
    "NO_SUCH_AGENT",
    `No agent of the type is subscribed to topic ${event.topic} in this worker.`,
  );
}
