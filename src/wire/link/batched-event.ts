import type { AgentId } from "../../core/agent-id.ts";
import type { EventEnvelope, Headers, Payload } from "../../core/envelope.ts";
import { type BatchRoute, type EventBatch, recordId } from "../../core/event-batch.ts";
import type { TopicId } from "../../core/topic-id.ts";
import { decodeExtras, type Extras, readRecords } from "./records.ts";

/** One record of a batch as an event; what is seldom asked for is made when it is asked for. */
export class BatchedEvent implements EventEnvelope {
  readonly kind = "event";
  readonly route: BatchRoute;
  readonly sequence: number;
  readonly data: Uint8Array;
  readonly #extras: Extras | undefined;

  constructor(route: BatchRoute, sequence: number, data: Uint8Array, extras: Extras | undefined) {
    this.route = route;
    this.sequence = sequence;
    this.data = data;
    this.#extras = extras;
  }

  /** True when its publisher chose its id. */
  get isNamed(): boolean {
    return this.#extras !== undefined && this.#extras.id !== "";
  }

  get id(): string {
    const named = this.#extras?.id ?? "";
    return named === "" ? recordId(this.route.producer, this.sequence) : named;
  }

  get topic(): TopicId {
    return this.route.topic;
  }

  get sender(): AgentId | undefined {
    return this.route.sender;
  }

  get headers(): Headers {
    const { headers } = this.route;
    return this.#extras === undefined ? headers : { ...headers, ...this.#extras.headers };
  }

  get payload(): Payload {
    const { dataType, contentType } = this.route;
    return { dataType, contentType, data: this.data };
  }
}

/** The events of a batch. @throws AgentrtError `BAD_FRAME` when its records are not whole */
export function eventsOf(batch: EventBatch): BatchedEvent[] {
  const { route, sequence, count, records } = batch;
  const events: BatchedEvent[] = [];
  readRecords(records, count, (payload, extras, index) => {
    const own = extras === undefined ? undefined : decodeExtras(extras);
    events.push(new BatchedEvent(route, sequence + index, payload, own));
  });
  return events;
}
