import type { AgentId } from "../core/agent-id.ts";
import { type Headers, NO_HEADERS, type Payload } from "../core/envelope.ts";
import type { BatchRoute } from "../core/event-batch.ts";
import { type Priority, priorityOf } from "../core/priority.ts";
import type { TopicId } from "../core/topic-id.ts";
import { OpenBatch } from "../wire/link/batch-frame.ts";

/** A batch is closed when it has so many records or bytes, and at the end of the event loop's turn. */
const MAX_RECORDS = 1_024;
const MAX_BYTES = 64 * 1_024;
/** Routes that are remembered; a host takes so many of one worker at the least. */
const MAX_ROUTES = 4_096;

/** A route of this worker, by the number that it has at the host. */
export interface NumberedRoute {
  readonly number: number;
  readonly route: BatchRoute;
  readonly priority: Priority;
  /** True when only the batches that were closed before still come on it. */
  isForgotten: boolean;
}

/** A batch that takes no more records. */
export interface ClosedBatch {
  readonly kind: "batch";
  readonly route: NumberedRoute;
  readonly records: OpenBatch;
  /** Of a durable topic: settled when the host has stored it, or cannot. */
  readonly outcome: PromiseWithResolvers<void> | undefined;
}

interface Amount {
  readonly bytes: number;
  readonly messages: number;
}

interface Lane {
  readonly route: NumberedRoute;
  open: OpenBatch | undefined;
  outcome: PromiseWithResolvers<void> | undefined;
  /** What of its open batch somebody waits for to be stored. */
  readonly durable: { bytes: number; messages: number };
  /** Bytes of its last batch. */
  expectedBytes: number;
}

/** What is published, sorted into batches by route. */
export class OutgoingBatches {
  readonly #producer: string;
  readonly #onClosed: (batch: ClosedBatch) => void;
  readonly #onForgotten: (number: number) => void;
  /** The least recently looked up first. */
  readonly #lanes = new Map<string, Lane>();
  #openLanes: Lane[] = [];
  #last: Lane | undefined;
  #lastNumber = 0;
  #openMessages = 0;
  #openBytes = 0;
  readonly #openDurable = { bytes: 0, messages: 0 };
  #closing: ReturnType<typeof setImmediate> | undefined;

  /** @param onForgotten told of routes that no batch comes on until they are agreed on anew, by another number */
  constructor(
    producer: string,
    onClosed: (batch: ClosedBatch) => void,
    onForgotten: (number: number) => void,
  ) {
    this.#producer = producer;
    this.#onClosed = onClosed;
    this.#onForgotten = onForgotten;
  }

  /** Messages in batches that are open. */
  get openMessages(): number {
    return this.#openMessages;
  }

  get openBytes(): number {
    return this.#openBytes;
  }

  /** What of that is in batches whose publishers wait until they are stored. */
  get openDurable(): Amount {
    return this.#openDurable;
  }

  /** @param isDurable gives a promise that ends when the host has stored the batch */
  add(
    route: PublishedRoute,
    data: Uint8Array,
    extras: Uint8Array | undefined,
    isDurable = false,
  ): Promise<void> | undefined {
    const lane = this.#laneFor(route);
    if (lane.open === undefined) {
      lane.open = new OpenBatch(lane.expectedBytes);
      this.#openLanes.push(lane);
      this.#closing ??= setImmediate(() => this.closeAll());
    }
    const { open } = lane;
    if (isDurable && lane.outcome === undefined) {
      lane.outcome = Promise.withResolvers<void>();
      // Whoever published gets it too; this one is nobody's.
      lane.outcome.promise.catch(() => undefined);
    }
    const { outcome } = lane;
    this.#append(lane, open, data, extras);
    return outcome?.promise;
  }

  /** Adds to the batch that was added to last, if it is open and of this route without headers; else false. */
  addAgain(topic: TopicId, sender: AgentId | undefined, payload: Payload): boolean {
    const last = this.#last;
    if (last?.open === undefined || !isSame(last.route.route, topic, sender, NO_HEADERS, payload)) {
      return false;
    }
    this.#append(last, last.open, payload.data, undefined);
    return true;
  }

  #append(lane: Lane, open: OpenBatch, data: Uint8Array, extras: Uint8Array | undefined): void {
    this.#openMessages += 1;
    const bytes = open.append(data, extras);
    this.#openBytes += bytes;
    if (lane.outcome !== undefined) {
      this.#openDurable.bytes += bytes;
      this.#openDurable.messages += 1;
      lane.durable.bytes += bytes;
      lane.durable.messages += 1;
    }
    if (open.count >= MAX_RECORDS || open.byteLength >= MAX_BYTES) {
      this.#close(lane, open);
    }
  }

  /** Closes every batch, in the order in which they were begun. */
  closeAll(): void {
    clearImmediate(this.#closing);
    this.#closing = undefined;
    const lanes = this.#openLanes;
    this.#openLanes = [];
    for (const lane of lanes) {
      if (lane.open !== undefined) {
        this.#close(lane, lane.open);
      }
    }
  }

  #close(lane: Lane, open: OpenBatch): void {
    const { outcome } = lane;
    lane.open = undefined;
    lane.outcome = undefined;
    if (outcome !== undefined) {
      this.#openDurable.bytes -= lane.durable.bytes;
      this.#openDurable.messages -= lane.durable.messages;
      lane.durable.bytes = 0;
      lane.durable.messages = 0;
    }
    lane.expectedBytes = Math.max(64, open.byteLength);
    this.#openMessages -= open.count;
    this.#openBytes -= open.byteLength;
    this.#onClosed({ kind: "batch", route: lane.route, records: open, outcome });
  }

  #laneFor(wanted: PublishedRoute): Lane {
    const { topic, sender, headers } = wanted;
    if (
      this.#last !== undefined &&
      isSame(this.#last.route.route, topic, sender, headers, wanted)
    ) {
      return this.#last;
    }
    const key = keyOf(wanted);
    const existing = this.#lanes.get(key);
    if (existing !== undefined) {
      this.#lanes.delete(key);
    }
    const lane = existing ?? this.#make(wanted);
    this.#lanes.set(key, lane);
    this.#last = lane;
    return lane;
  }

  #make(wanted: PublishedRoute): Lane {
    for (const [key, lane] of this.#lanes) {
      if (this.#lanes.size < MAX_ROUTES || lane.open !== undefined) {
        break;
      }
      this.#lanes.delete(key);
      lane.route.isForgotten = true;
      this.#onForgotten(lane.route.number);
    }
    this.#lastNumber += 1;
    const route = { ...wanted, producer: this.#producer, receivers: [] };
    const priority = priorityOf(route.headers);
    return {
      route: { number: this.#lastNumber, route, priority, isForgotten: false },
      open: undefined,
      outcome: undefined,
      durable: { bytes: 0, messages: 0 },
      expectedBytes: 512,
    };
  }
}

/** What a publisher says of its message, beside the data. */
export type PublishedRoute = Omit<BatchRoute, "producer" | "receivers">;

/** Cheap, and true for what one publisher says again and again; headers are the same object then. */
function isSame(
  route: BatchRoute,
  topic: TopicId,
  sender: AgentId | undefined,
  headers: Headers,
  { dataType, contentType }: Pick<Payload, "dataType" | "contentType">,
): boolean {
  return (
    (route.topic === topic || route.topic.equals(topic)) &&
    route.dataType === dataType &&
    route.headers === headers &&
    route.contentType === contentType &&
    (route.sender === sender || route.sender?.equals(sender) === true)
  );
}

function keyOf({ topic, sender, headers, dataType, contentType }: PublishedRoute): string {
  const parts = [topic.type, topic.source, sender?.type, sender?.key, dataType, contentType];
  for (const name of Object.keys(headers).sort()) {
    parts.push(name, headers[name]);
  }
  return JSON.stringify(parts);
}
