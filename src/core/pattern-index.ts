import { patternOf, type Subscription } from "./subscription.ts";

/** One, or several by agent type: nearly every pattern has one, and a map for each would be the most of what is kept. */
type Members<T> = T | Map<string, T>;

/**
 * Finds what is kept for subscriptions by topic type without looking at the others: one for each
 * pattern, kind and agent type.
 *
 * Exact ones are one map look-up; prefixes one look-up for each distinct prefix length
 * that is in use and not longer than the topic type. So the cost of a match does not grow
 * with the number of subscriptions, and no topic that was ever seen is remembered.
 */
export class PatternIndex<T extends object> {
  readonly #subscriptionOf: (item: T) => Subscription;
  readonly #exact = new Map<string, Members<T>>();
  readonly #prefixes = new Map<number, Map<string, Members<T>>>();

  constructor(subscriptionOf: (item: T) => Subscription) {
    this.#subscriptionOf = subscriptionOf;
  }

  /** What is there for the same pattern, kind and agent type. */
  get(subscription: Subscription): T | undefined {
    const members = this.#bucketOf(subscription)?.get(patternOf(subscription));
    if (members instanceof Map) {
      return members.get(subscription.agentType);
    }
    return members !== undefined && this.#typeOf(members) === subscription.agentType
      ? members
      : undefined;
  }

  /** Puts an item there, in place of one with the same pattern, kind and agent type. */
  set(item: T): void {
    const subscription = this.#subscriptionOf(item);
    const bucket = this.#bucketOf(subscription) ?? this.#makePrefixes(subscription);
    const pattern = patternOf(subscription);
    const members = bucket.get(pattern);
    if (members instanceof Map) {
      members.set(subscription.agentType, item);
    } else if (members === undefined || this.#typeOf(members) === subscription.agentType) {
      bucket.set(pattern, item);
    } else {
      const both = new Map([[this.#typeOf(members), members]]);
      bucket.set(pattern, both.set(subscription.agentType, item));
    }
  }

  /** Takes out what is there for the same pattern, kind and agent type. */
  delete(subscription: Subscription): void {
    const bucket = this.#bucketOf(subscription);
    const pattern = patternOf(subscription);
    const members = bucket?.get(pattern);
    if (bucket === undefined || members === undefined) {
      return;
    }
    if (members instanceof Map) {
      members.delete(subscription.agentType);
      if (members.size > 0) {
        return;
      }
    } else if (this.#typeOf(members) !== subscription.agentType) {
      return;
    }
    bucket.delete(pattern);
    if (subscription.kind === "prefix" && bucket.size === 0) {
      this.#prefixes.delete(pattern.length);
    }
  }

  /** Calls `visit` once for each item whose subscription matches a topic of this type. */
  forEachMatch(topicType: string, visit: (item: T) => void): void {
    visitAll(this.#exact.get(topicType), visit);
    for (const [length, bucket] of this.#prefixes) {
      if (length <= topicType.length) {
        visitAll(bucket.get(topicType.slice(0, length)), visit);
      }
    }
  }

  #typeOf(item: T): string {
    return this.#subscriptionOf(item).agentType;
  }

  #bucketOf(subscription: Subscription): Map<string, Members<T>> | undefined {
    return subscription.kind === "type"
      ? this.#exact
      : this.#prefixes.get(subscription.topicTypePrefix.length);
  }

  #makePrefixes(subscription: Subscription): Map<string, Members<T>> {
    const made = new Map<string, Members<T>>();
    this.#prefixes.set(patternOf(subscription).length, made);
    return made;
  }
}

function visitAll<T extends object>(
  members: Members<T> | undefined,
  visit: (item: T) => void,
): void {
  if (members === undefined) {
    return;
  }
  if (!(members instanceof Map)) {
    visit(members);
    return;
  }
  for (const item of members.values()) {
    visit(item);
  }
}
