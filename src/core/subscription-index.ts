import { AgentrtError } from "./errors.ts";
import { patternOf, routeKeyOf, type Subscription } from "./subscription.ts";

/**
 * Finds the subscriptions that match a topic type without looking at the others.
 *
 * Exact ones are one map look-up; prefixes one look-up for each distinct prefix length
 * that is in use and not longer than the topic type. So the cost of a match does not grow
 * with the number of subscriptions, and no topic that was ever seen is remembered.
 */
export class SubscriptionIndex {
  readonly #byId = new Map<string, Subscription>();
  readonly #byRoute = new Map<string, Subscription>();
  readonly #exact = new Map<string, Set<Subscription>>();
  readonly #prefixes = new Map<number, Map<string, Set<Subscription>>>();

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
    const routeKey = routeKeyOf(subscription);
    const existing = this.#byId.get(subscription.id) ?? this.#byRoute.get(routeKey);
    if (existing !== undefined) {
      // The text is AutoGen's own, which its workers may show or compare.
      throw new AgentrtError("SUBSCRIPTION_EXISTS", "Subscription already exists", {
        data: { id: existing.id, agentType: existing.agentType },
      });
    }
    this.#version += 1;
    this.#byId.set(subscription.id, subscription);
    this.#byRoute.set(routeKey, subscription);
    const bucket = this.#bucketsFor(subscription);
    const pattern = patternOf(subscription);
    const members = bucket.get(pattern);
    if (members === undefined) {
      bucket.set(pattern, new Set([subscription]));
    } else {
      members.add(subscription);
    }
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
    this.#byRoute.delete(routeKeyOf(subscription));
    const bucket = this.#bucketsFor(subscription);
    const pattern = patternOf(subscription);
    const members = bucket.get(pattern);
    members?.delete(subscription);
    if (members?.size === 0) {
      bucket.delete(pattern);
      if (subscription.kind === "prefix" && bucket.size === 0) {
        this.#prefixes.delete(pattern.length);
      }
    }
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
    const exact = this.#exact.get(topicType);
    if (exact !== undefined) {
      for (const subscription of exact) {
        visit(subscription);
      }
    }
    for (const [length, bucket] of this.#prefixes) {
      if (length > topicType.length) {
        continue;
      }
      const members = bucket.get(topicType.slice(0, length));
      if (members !== undefined) {
        for (const subscription of members) {
          visit(subscription);
        }
      }
    }
  }

  #bucketsFor(subscription: Subscription): Map<string, Set<Subscription>> {
    if (subscription.kind === "type") {
      return this.#exact;
    }
    const length = subscription.topicTypePrefix.length;
    const existing = this.#prefixes.get(length);
    if (existing !== undefined) {
      return existing;
    }
    const made = new Map<string, Set<Subscription>>();
    this.#prefixes.set(length, made);
    return made;
  }
}
