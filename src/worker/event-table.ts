import type { TopicId } from "../core/topic-id.ts";
import type { EventIdentity } from "./recent-events.ts";

/** The first size of a table, in places; a power of two, as every later one. */
const FIRST_PLACES = 64;
/** Of a place in the array: the hash, and the number of the entry, counted from one. */
const WIDTH = 2;

/**
 * A set of events. A `Map` would need its key in one text, made for each event, and costs the garbage
 * collector more than the rest of the way through a worker: this one is two arrays of what it holds,
 * and one of numbers that says where.
 */
export class EventTable {
  #places = new Int32Array(FIRST_PLACES * WIDTH);
  #mask = FIRST_PLACES - 1;
  #ids: (string | undefined)[] = [];
  #topics: (TopicId | undefined)[] = [];
  #deleted = 0;

  get size(): number {
    return this.#ids.length - this.#deleted;
  }

  /** Entries that take room, those included that were deleted. */
  get used(): number {
    return this.#ids.length;
  }

  /** @param hash of the event, as for `add` */
  has(event: EventIdentity, hash: number): boolean {
    return this.#find(event, hash) !== 0;
  }

  /** Adds an event that is not there. */
  add({ id, topic }: EventIdentity, hash: number): void {
    this.#ids.push(id);
    this.#topics.push(topic);
    const entry = this.#ids.length;
    if (entry * 2 > this.#mask) {
      this.#grow();
    }
    this.#put(hash, entry);
  }

  /** Its place stays taken until `clear`. */
  delete(event: EventIdentity, hash: number): void {
    const entry = this.#find(event, hash);
    if (entry !== 0) {
      this.#ids[entry - 1] = undefined;
      this.#topics[entry - 1] = undefined;
      this.#deleted += 1;
    }
  }

  /** Keeps the room that it has, because it will be needed again. */
  clear(): void {
    this.#places.fill(0);
    this.#ids = [];
    this.#topics = [];
    this.#deleted = 0;
  }

  #find({ id, topic }: EventIdentity, hash: number): number {
    const places = this.#places;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const entry = places[place * WIDTH + 1] ?? 0;
      if (
        entry === 0 ||
        (places[place * WIDTH] === hash &&
          this.#ids[entry - 1] === id &&
          topic.equals(this.#topics[entry - 1]))
      ) {
        return entry;
      }
    }
  }

  #put(hash: number, entry: number): void {
    const places = this.#places;
    let place = hash & this.#mask;
    while (places[place * WIDTH + 1] !== 0) {
      place = (place + 1) & this.#mask;
    }
    places[place * WIDTH] = hash;
    places[place * WIDTH + 1] = entry;
  }

  #grow(): void {
    const before = this.#places;
    this.#mask = this.#mask * 2 + 1;
    this.#places = new Int32Array((this.#mask + 1) * WIDTH);
    for (let index = 0; index < before.length; index += WIDTH) {
      const entry = before[index + 1] ?? 0;
      if (entry !== 0) {
        this.#put(before[index] ?? 0, entry);
      }
    }
  }
}

/** Of this process alone, so that nobody outside can choose ids that all fall on one place. */
const SEED = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;

/** A whole number of 32 bits; `seed` is what came before, so that several texts can be one. (MurmurHash's mixing.) */
export function hashOf(text: string, seed: number = SEED): number {
  const even = text.length & ~1;
  let hash = seed ^ text.length;
  for (let index = 0; index < even; index += 2) {
    const two = text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16);
    hash = Math.imul(hash ^ two, 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  if (even < text.length) {
    hash = Math.imul(hash ^ text.charCodeAt(even), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x27d4eb2d);
  return hash ^ (hash >>> 15);
}
