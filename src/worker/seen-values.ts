import type { EventEnvelope } from "../core/envelope.ts";
import { retainedSlotOf, retainWishOf } from "../core/retained-slot.ts";
import { AGE_HEADER } from "../core/routing-headers.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TopicId } from "../core/topic-id.ts";

interface Seen {
  readonly id: string;
  readonly topic: TopicId;
  readonly agentTypes: Set<string>;
}

/** True for a kept value that the host gives once more, rather than a fresh event. */
export function isKeptValue({ headers }: EventEnvelope): boolean {
  return headers[AGE_HEADER] !== undefined;
}

/**
 * Which last value of each retained topic the agent types of this process have had. A host gives a
 * subscriber the kept values each time that it subscribes, so also when it comes back after a broken
 * connection or to a host that was started anew: those that an agent type has had since it subscribed
 * are not handed over to it again.
 */
export class SeenValues {
  readonly #maxEntries: number;
  /** By slot, the least recently seen first. */
  readonly #seen = new Map<string, Seen>();

  /** @param maxEntries 0 remembers nothing */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Of the agent types, those that have not had this value yet; they have from now on. */
  newTo(event: EventEnvelope, agentTypes: readonly string[]): ReadonlySet<string> {
    const slot = retainedSlotOf(event);
    const seen = this.#seen.get(slot);
    const before = seen?.id === event.id ? seen.agentTypes : new Set<string>();
    const fresh = new Set(agentTypes.filter((type) => !before.has(type)));
    this.#remember(slot, event, new Set([...before, ...fresh]));
    return fresh;
  }

  /** Takes note of a fresh event that its publisher wants kept; others concern it not at all. */
  note(event: EventEnvelope, agentTypes: readonly string[]): void {
    const wish = retainWishOf(event);
    if (wish === "keep") {
      this.newTo(event, agentTypes);
    } else if (wish === "forget") {
      this.#seen.delete(retainedSlotOf(event));
    }
  }

  /** Somebody subscribes, and is to get what is kept although its agent type may have had it. */
  forget(subscription: Subscription): void {
    for (const { topic, agentTypes } of this.#seen.values()) {
      if (subscription.matches(topic)) {
        agentTypes.delete(subscription.agentType);
      }
    }
  }

  /** Nobody could take the event. */
  drop(event: EventEnvelope): void {
    this.#seen.delete(retainedSlotOf(event));
  }

  #remember(slot: string, { id, topic }: EventEnvelope, agentTypes: Set<string>): void {
    this.#seen.delete(slot);
    this.#seen.set(slot, { id, topic, agentTypes });
    if (this.#seen.size > this.#maxEntries) {
      const [oldest] = this.#seen.keys();
      this.#seen.delete(oldest ?? slot);
    }
  }
}
