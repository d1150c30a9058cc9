import { AgentrtError } from "../../core/errors.ts";
import type { LogBatch, StoredBatch } from "./message-log.ts";

/**
 * Batches on their way between two threads. Numbers and bytes are in two buffers that are handed over, not cloned:
 * a structured clone of one object a batch costs more than storing the batch.
 */
export interface PackedBatches {
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly texts: readonly string[];
}

/** Numbers of one batch, in the order in which {@link Packer.pack} writes them. */
const FIELDS = 16;

export function pack(batches: readonly (LogBatch | StoredBatch)[]): PackedBatches {
  return new Packer(batches).pack();
}

/** What to name in the list of buffers that a message hands over. */
export function buffersOf(packed: PackedBatches): ArrayBuffer[] {
  return [packed.numbers.buffer, packed.bytes.buffer];
}

export function unpack(packed: PackedBatches): StoredBatch[] {
  const { numbers, bytes, texts } = packed;
  const batches: StoredBatch[] = [];
  const routes = new Map<number, Uint8Array>();
  const number = (at: number): number => required(numbers[at]);
  const text = (at: number): string => required(texts[number(at)]);
  const optional = (at: number): number | undefined =>
    Number.isNaN(number(at)) ? undefined : number(at);
  for (let at = 0; at < numbers.length; at += FIELDS) {
    const routeAt = number(at + 14);
    let route = routes.get(routeAt);
    if (route === undefined) {
      route = bytes.subarray(routeAt, routeAt + number(at + 15));
      routes.set(routeAt, route);
    }
    batches.push({
      position: number(at),
      storedAtMs: number(at + 1),
      count: number(at + 2),
      checksum: number(at + 3),
      encoding: number(at + 4),
      sequence: number(at + 5),
      publishedAtMs: number(at + 6),
      expiresAtMs: optional(at + 7),
      deliverAtMs: optional(at + 8),
      topicType: text(at + 9),
      topicSource: text(at + 10),
      producer: text(at + 11),
      records: bytes.subarray(number(at + 12), number(at + 12) + number(at + 13)),
      route,
    });
  }
  return batches;
}

class Packer {
  readonly #batches: readonly (LogBatch | StoredBatch)[];
  readonly #texts: string[] = [];
  readonly #textIndexes = new Map<string, number>();
  // A route is one object for many batches, so it travels once.
  readonly #routeOffsets = new Map<Uint8Array, number>();
  #size = 0;

  constructor(batches: readonly (LogBatch | StoredBatch)[]) {
    this.#batches = batches;
  }

  pack(): PackedBatches {
    const numbers = new Float64Array(this.#batches.length * FIELDS);
    let at = 0;
    for (const batch of this.#batches) {
      numbers[at] = "position" in batch ? batch.position : 0;
      numbers[at + 1] = "storedAtMs" in batch ? batch.storedAtMs : 0;
      numbers[at + 2] = batch.count;
      numbers[at + 3] = batch.checksum;
      numbers[at + 4] = batch.encoding;
      numbers[at + 5] = batch.sequence;
      numbers[at + 6] = batch.publishedAtMs;
      numbers[at + 7] = batch.expiresAtMs ?? Number.NaN;
      numbers[at + 8] = batch.deliverAtMs ?? Number.NaN;
      numbers[at + 9] = this.#textIndex(batch.topicType);
      numbers[at + 10] = this.#textIndex(batch.topicSource);
      numbers[at + 11] = this.#textIndex(batch.producer);
      numbers[at + 12] = this.#take(batch.records.byteLength);
      numbers[at + 13] = batch.records.byteLength;
      numbers[at + 14] = this.#routeOffset(batch.route);
      numbers[at + 15] = batch.route.byteLength;
      at += FIELDS;
    }
    const bytes = new Uint8Array(this.#size);
    at = 12;
    for (const { records } of this.#batches) {
      bytes.set(records, required(numbers[at]));
      at += FIELDS;
    }
    for (const [route, offset] of this.#routeOffsets) {
      bytes.set(route, offset);
    }
    return { numbers, bytes, texts: this.#texts };
  }

  #textIndex(text: string): number {
    const known = this.#textIndexes.get(text);
    if (known !== undefined) {
      return known;
    }
    this.#textIndexes.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  #routeOffset(route: Uint8Array): number {
    const known = this.#routeOffsets.get(route);
    if (known !== undefined) {
      return known;
    }
    const offset = this.#take(route.byteLength);
    this.#routeOffsets.set(route, offset);
    return offset;
  }

  #take(bytes: number): number {
    const offset = this.#size;
    this.#size += bytes;
    return offset;
  }
}

function required<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new AgentrtError("INTERNAL", "Batches between two threads are cut short.");
  }
  return value;
}
