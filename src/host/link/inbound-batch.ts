import type { BatchRoute, EventBatch } from "../../core/event-batch.ts";
import { patchRoute } from "../../wire/link/batch-frame.ts";
import { type BatchedEvent, eventsOf } from "../../wire/link/batched-event.ts";
import type { BatchFrame } from "../../wire/link/frames.ts";
import type { InboundRoute } from "./inbound-routes.ts";
import type { OutRoute } from "./out-route.ts";

/** A batch on its way through the host, with the bytes that go out. */
export class InboundBatch implements EventBatch {
  readonly kind = "batch";
  readonly sequence: number;
  readonly position: number;
  readonly count: number;
  readonly checksum: number;
  readonly records: Uint8Array;
  readonly #inbound: InboundRoute;
  readonly #frame: BatchFrame;
  #events: readonly BatchedEvent[] | undefined;

  constructor(frame: BatchFrame, inbound: InboundRoute) {
    this.sequence = frame.sequence;
    this.position = frame.position;
    this.count = frame.count;
    this.checksum = frame.checksum;
    this.records = frame.records;
    this.#inbound = inbound;
    this.#frame = frame;
    patchRoute(frame.bytes, frame.routeAt, inbound.whole.number);
  }

  get route(): BatchRoute {
    return this.#inbound.route;
  }

  get topic(): BatchRoute["topic"] {
    return this.#inbound.route.topic;
  }

  get headers(): BatchRoute["headers"] {
    return this.#inbound.route.headers;
  }

  get byteLength(): number {
    return this.#frame.bytes.byteLength;
  }

  /** The bytes for all subscribed agent types: those that came in, with the host's number of the route. */
  get whole(): { readonly out: OutRoute; readonly bytes: Uint8Array } {
    return { out: this.#inbound.whole, bytes: this.#frame.bytes };
  }

  /** The bytes for some agent types of a worker. */
  bytesFor(agentTypes: readonly string[]): { readonly out: OutRoute; readonly bytes: Uint8Array } {
    const out = this.#inbound.outFor(agentTypes);
    const bytes = Buffer.from(this.#frame.bytes);
    patchRoute(bytes, this.#frame.routeAt, out.number);
    return { out, bytes };
  }

  /** Its records one by one, for peers that know no batches. @throws AgentrtError `BAD_FRAME` */
  get events(): readonly BatchedEvent[] {
    this.#events ??= eventsOf(this);
    return this.#events;
  }
}
