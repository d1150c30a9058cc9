import { crc32 } from "node:zlib";
import type { BatchRoute, EventBatch } from "../../core/event-batch.ts";
import { encodeBatchFrame, patchRoute } from "../../wire/link/batch-frame.ts";
import { type BatchedEvent, eventsOf } from "../../wire/link/batched-event.ts";
import { inflate } from "../../wire/link/compression.ts";
import { type BatchFrame, readPacket, savedBytesOf } from "../../wire/link/frames.ts";
import { sliceRecords } from "../../wire/link/slice-records.ts";
import type { InboundRoute } from "./inbound-routes.ts";
import type { OutRoute } from "./out-route.ts";

/** A batch on its way through the host, with the bytes that go out. */
export class InboundBatch implements EventBatch {
  readonly kind = "batch";
  readonly sequence: number;
  readonly position: number;
  readonly count: number;
  /** How its records are compressed in the bytes that go out; 0 is not at all. */
  readonly encoding: number;
  /** What compression takes off those bytes. */
  readonly savedBytes: number;
  readonly #inbound: InboundRoute;
  readonly #frame: BatchFrame;
  #inflated: Uint8Array | undefined;
  #events: readonly BatchedEvent[] | undefined;
  #last: { readonly batch: InboundBatch | undefined } | undefined;

  constructor(frame: BatchFrame, inbound: InboundRoute) {
    this.sequence = frame.sequence;
    this.position = frame.position;
    this.count = frame.count;
    this.encoding = frame.encoding;
    this.savedBytes = frame.encoding === 0 ? 0 : savedBytesOf(frame);
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

  /** Without compression. @throws AgentrtError `BAD_FRAME` */
  get records(): Uint8Array {
    const { encoding, records, inflatedBytes } = this.#frame;
    if (encoding === 0) {
      return records;
    }
    this.#inflated ??= inflate(encoding, records, inflatedBytes);
    return this.#inflated;
  }

  /** Makes sure that its records can be read. @throws AgentrtError `BAD_FRAME` */
  inflate(): void {
    this.#inflated = this.records;
  }

  /** Of the records without compression. @throws AgentrtError `BAD_FRAME` */
  get checksum(): number {
    return this.encoding === 0 ? this.#frame.checksum : crc32(this.records);
  }

  /** Bytes of the records without compression, as the batch says. */
  get recordsBytes(): number {
    return this.#frame.inflatedBytes;
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

  /** The bytes for a worker that does not read its encoding. @throws AgentrtError `BAD_FRAME` */
  inflatedFor({ number }: OutRoute): Uint8Array {
    const { sequence, position, count, checksum, records } = this;
    return encodeBatchFrame({ route: number, sequence, position, count, checksum }, records);
  }

  /** A batch of its last record alone, in bytes of its own; undefined when its records are not whole. */
  get lastRecord(): InboundBatch | undefined {
    this.#last ??= { batch: this.#cutLast() };
    return this.#last.batch;
  }

  #cutLast(): InboundBatch | undefined {
    try {
      const records = sliceRecords(this.records, this.count - 1, 1);
      const sequence = this.sequence + this.count - 1;
      const head = { route: 0, sequence, position: this.position, count: 1 };
      const [frame] = readPacket(encodeBatchFrame({ ...head, checksum: crc32(records) }, records));
      return frame?.kind === "batch" ? new InboundBatch(frame, this.#inbound) : undefined;
    } catch {
      // Whoever takes it apart in the end says what is wrong with it.
      return undefined;
    }
  }

  /** Its records one by one, for peers that know no batches. @throws AgentrtError `BAD_FRAME` */
  get events(): readonly BatchedEvent[] {
    this.#events ??= eventsOf(this);
    return this.#events;
  }
}
