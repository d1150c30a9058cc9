import { crc32 } from "node:zlib";
import { ENVELOPE_OVERHEAD_BYTES } from "../../core/envelope.ts";
import type { BatchRoute } from "../../core/event-batch.ts";
import { type Priority, priorityOf } from "../../core/priority.ts";
import type { StoredBatch } from "../../store/log/message-log.ts";
import { encodeBatchFrame } from "../../wire/link/batch-frame.ts";
import { type BatchedEvent, eventsOf } from "../../wire/link/batched-event.ts";
import { encodeRoute } from "../../wire/link/frames.ts";
import { sliceRecords } from "../../wire/link/slice-records.ts";
import { decodeStoredRoute } from "../../wire/link/stored-route.ts";
import type { RouteNumbers } from "../link/inbound-routes.ts";
import { OutRoute } from "../link/out-route.ts";
import type { OutboundFrame } from "../outbox.ts";

/** Routes of one cursor that are remembered. */
const MAX_ROUTES = 1_024;

/** Records of a cursor on their way to a worker: what becomes of them, the cursor knows. */
export interface DurableDelivery {
  readonly kind: "durable";
  readonly count: number;
  /** There was no room for it. */
  readonly handBack: () => void;
}

/** Records of one stored batch, next to each other. Positions, both included. */
export interface DurableRange {
  readonly batch: StoredBatch;
  readonly first: number;
  readonly last: number;
}

interface KnownRoute {
  readonly route: BatchRoute;
  readonly priority: Priority;
  readonly out: OutRoute;
}

/** Makes the frames of one cursor. */
export class DurableFrames {
  readonly #agentType: string;
  readonly #cursor: string;
  readonly #numbers: RouteNumbers;
  readonly #routes = new Map<string, KnownRoute>();

  /** @param cursor as workers are told it */
  constructor(agentType: string, cursor: string, numbers: RouteNumbers) {
    this.#agentType = agentType;
    this.#cursor = cursor;
    this.#numbers = numbers;
  }

  /** For a worker that knows batches. @throws AgentrtError `STORE_DAMAGED`, `BAD_FRAME` */
  frame({ batch, first, last }: DurableRange, handBack: () => void): OutboundFrame {
    const { out, priority } = this.#routeOf(batch);
    const from = first - batch.position;
    const count = last - first + 1;
    const isWhole = count === batch.count;
    const records = isWhole ? batch.records : sliceRecords(batch.records, from, count);
    const checksum = isWhole ? batch.checksum : crc32(records);
    const head = { route: out.number, sequence: batch.sequence + from, position: first };
    const bytes = encodeBatchFrame({ ...head, count, checksum }, records);
    const size = ENVELOPE_OVERHEAD_BYTES + bytes.byteLength;
    return { envelope: { kind: "durable", count, handBack }, out, bytes, priority, size };
  }

  /** For a worker that does not. @throws AgentrtError `STORE_DAMAGED`, `BAD_FRAME` */
  events({ batch, first, last }: DurableRange): readonly BatchedEvent[] {
    const { route } = this.#routeOf(batch);
    const { sequence, position, count, records } = batch;
    const events = eventsOf({ kind: "batch", route, sequence, position, count, records });
    return events.slice(first - position, last - position + 1);
  }

  close(): void {
    for (const { out } of this.#routes.values()) {
      out.retire();
    }
    this.#routes.clear();
  }

  #routeOf(batch: StoredBatch): KnownRoute {
    const { topicType, topicSource, producer } = batch;
    const key = JSON.stringify([
      ...[topicType, topicSource, producer],
      Buffer.from(batch.route).toString("latin1"),
    ]);
    const known = this.#routes.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this.#routes.size >= MAX_ROUTES) {
      this.close();
    }
    const route = decodeStoredRoute(batch);
    const receivers = [this.#agentType];
    const cursor = this.#cursor;
    const made = {
      route,
      priority: priorityOf(route.headers),
      out: new OutRoute(
        this.#numbers.next(),
        (number) => encodeRoute(number, { ...route, receivers, cursor }),
        receivers,
      ),
    };
    this.#routes.set(key, made);
    return made;
  }
}
