import type { EventEnvelope } from "../core/envelope.ts";
import { RECEIVERS_HEADER } from "../core/routing-headers.ts";
import type { TopicId } from "../core/topic-id.ts";
import { EventTable, hashOf } from "./event-table.ts";

/** What tells two events apart. */
export type EventIdentity = Pick<EventEnvelope, "id" | "topic">;

/** An event that the host gives to some of a worker's agent types is not the one that the others have had. */
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
  #young = new EventTable();
  #old = new EventTable();
  #youngSince = Number.NEGATIVE_INFINITY;
  /** The topic of the last event with its hash: the next one is often of the same. */
  #topic: TopicId | undefined;
  #topicHash = 0;

  /** @param windowMs 0 remembers nothing @param now milliseconds of a clock that does not go back */
  constructor(windowMs: number, maxEntries: number, now: () => number = nowOfTurn) {
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
    const hash = this.#hashOf(event);
    if (this.#young.has(event, hash) || this.#old.has(event, hash)) {
      return true;
    }
    this.#young.add(event, hash);
    return false;
  }

  /** Forgets an event that nobody got, so that it may come again. */
  forget(event: EventIdentity): void {
    const hash = this.#hashOf(event);
    this.#young.delete(event, hash);
    this.#old.delete(event, hash);
  }

  /**
   * Source and id name an event (CloudEvents 1.0). The topic type is part of it here, because the
   * protocol's source is only the topic's: AutoGen's publishers may use one id on two topics.
   */
  #hashOf({ id, topic }: EventIdentity): number {
    if (!topic.equals(this.#topic)) {
      this.#topic = topic;
      this.#topicHash = hashOf(topic.source, hashOf(topic.type));
    }
    return hashOf(id, this.#topicHash);
  }

  #turn(): void {
    const now = this.#now();
    const ageMs = now - this.#youngSince;
    if (ageMs < this.#windowMs && this.#young.used < this.#maxPerGeneration) {
      return;
    }
    const oldest = this.#old;
    oldest.clear();
    if (ageMs < 2 * this.#windowMs) {
      this.#old = this.#young;
      this.#young = oldest;
    } else {
      // After a pause longer than two windows both are too old.
      this.#young.clear();
    }
    this.#youngSince = now;
  }
}

let turn: number | undefined;

/** The clock, read once in each turn of the event loop: for one event, reading it would be the larger part. */
function nowOfTurn(): number {
  if (turn === undefined) {
    turn = performance.now();
    queueMicrotask(endTurn);
  }
  return turn;
}

function endTurn(): void {
  turn = undefined;
}
