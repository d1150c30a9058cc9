import type { EventEnvelope } from "../core/envelope.ts";
import { RECEIVERS_HEADER } from "../core/routing-headers.ts";
import type { TopicId } from "../core/topic-id.ts";

/** What tells two events apart. */
export type EventIdentity = Pick<EventEnvelope, "id" | "topic">;

/**
 * An event that the host gives to some of a worker's agent types, such as a kept value to a new
 * subscriber, is not the one that the others have had.
 */
export function identityOf(event: EventEnvelope): EventIdentity {
  const receivers = event.headers[RECEIVERS_HEADER];
  return receivers === undefined ? event : { id: `${event.id}\n${receivers}`, topic: event.topic };
}

/**
 * Remembers the events of the last while, to know one that comes again.
 *
 * Two generations: what is younger than the window is in one of them, and when the younger one is a
 * window old or has half of the entries, the older one is forgotten. So there is no timer, and no
 * work for single entries that grow old. An entry is forgotten when it is one to three windows old.
 */
export class RecentEvents {
  readonly #windowMs: number;
  readonly #maxPerGeneration: number;
  readonly #now: () => number;
  /** The topic of each event, by its id; see {@link keyOf} for ids that several topics use. */
  #young = new Map<string, TopicId>();
  #old = new Map<string, TopicId>();
  #youngSince = Number.NEGATIVE_INFINITY;

  /** @param windowMs 0 remembers nothing @param now milliseconds of a clock that does not go back */
  constructor(windowMs: number, maxEntries: number, now: () => number = () => performance.now()) {
    this.#windowMs = windowMs;
    this.#maxPerGeneration = Math.max(1, Math.floor(maxEntries / 2));
    this.#now = now;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** True when the event was added within the window; else it is remembered from now on. */
  isRepeated(event: EventIdentity): boolean {
    if (this.#windowMs === 0) {
      return false;
    }
    this.#turn();
    const { id, topic } = event;
    const first = this.#young.get(id) ?? this.#old.get(id);
    if (first === undefined) {
      this.#young.set(id, topic);
      return false;
    }
    if (topic.equals(first)) {
      return true;
    }
    const key = keyOf(event);
    if (this.#young.has(key) || this.#old.has(key)) {
      return true;
    }
    this.#young.set(key, topic);
    return false;
  }

  /** Forgets an event that nobody got, so that it may come again. */
  forget(event: EventIdentity): void {
    for (const generation of [this.#young, this.#old]) {
      generation.delete(keyOf(event));
      if (event.topic.equals(generation.get(event.id))) {
        generation.delete(event.id);
      }
    }
  }

  #turn(): void {
    const now = this.#now();
    const ageMs = now - this.#youngSince;
    if (ageMs < this.#windowMs && this.#young.size < this.#maxPerGeneration) {
      return;
    }
    // After a pause longer than two windows both are too old.
    this.#old = ageMs < 2 * this.#windowMs ? this.#young : new Map();
    this.#young = new Map();
    this.#youngSince = now;
  }
}

/**
 * Source and id name an event (CloudEvents 1.0). The topic type is part of it here, because the
 * protocol's source is only the topic's: AutoGen's publishers may use one id on two topics.
 */
function keyOf({ id, topic }: EventIdentity): string {
  return `${topic.type}/${topic.source}\n${id}`;
}
