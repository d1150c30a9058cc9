import { AgentrtError } from "./errors.ts";
import { PatternIndex } from "./pattern-index.ts";
import type { Subscription } from "./subscription.ts";

/** Subscriptions by id, and those that match a topic type; see {@link PatternIndex} for the cost. */
export class SubscriptionIndex {
  readonly #byId = new Map<string, Subscription>();
  readonly #patterns = new PatternIndex<Subscription>((subscription) => subscription);

  #version = 0;

  /** Another number after each change, so that what was found can be kept until then. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * @throws AgentrtError `SUBSCRIPTION_EXISTS` when the id, or the same pattern for the same agent type, is
   *   there; `data` names the one that is.
   */
  add(subscription: Subscription): void {
    const existing = this.#byId.get(subscription.id) ?? this.#patterns.get(subscription);
    if (existing !== undefined) {
      // The text is AutoGen's own, which its workers may show or compare.
      throw new AgentrtError("SUBSCRIPTION_EXISTS", "Subscription already exists", {
        data: { id: existing.id, agentType: existing.agentType },
      });
    }
    this.#version += 1;
    this.#byId.set(subscription.id, subscription);
    this.#patterns.set(subscription);
  }

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  remove(id: string): Subscription {
    const subscription = this.#byId.get(id);
    if (subscription === undefined) {
      throw new AgentrtError("NO_SUCH_SUBSCRIPTION", "Subscription does not exist", {
        data: { id },
      });
    }
    this.#version += 1;
    this.#byId.delete(id);
    this.#patterns.delete(subscription);
    return subscription;
  }

  get(id: string): Subscription | undefined {
    return this.#byId.get(id);
  }

  values(): Iterable<Subscription> {
    return this.#byId.values();
  }

  /** Calls `visit` once for each subscription that matches a topic of this type. */
  forEachMatch(topicType: string, visit: (subscription: Subscription) => void): void {
    this.#patterns.forEachMatch(topicType, visit);
  }
}
