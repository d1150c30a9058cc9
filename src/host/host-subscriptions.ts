import { AgentrtError } from "../core/errors.ts";
import { PatternIndex } from "../core/pattern-index.ts";
import { type Subscription, withAgentType } from "../core/subscription.ts";
import type { Session } from "./session.ts";

interface Held {
  readonly subscription: Subscription;
  readonly owner: Session;
  /** Whoever made the same subscription after it. */
  next: Held | undefined;
}

/**
 * The subscriptions of all workers. Several workers may make the same one when they share its agent
 * type; the index, which routing uses, then has the first of them only.
 *
 * There may be very many: for each there is what is kept of it, and one entry in each map, no more.
 */
export class HostSubscriptions {
  readonly #byId = new Map<string, Held>();
  /** The first of each pattern, kind and agent type. */
  readonly #firsts = new PatternIndex<Held>(({ subscription }) => subscription);
  readonly #firstsByType = new Map<string, Set<Held>>();

  *all(): Generator<Subscription> {
    for (const { subscription } of this.#byId.values()) {
      yield subscription;
    }
  }

  get(id: string): Subscription | undefined {
    return this.#byId.get(id)?.subscription;
  }

  ownerOf(id: string): Session | undefined {
    return this.#byId.get(id)?.owner;
  }

  /** The distinct subscriptions of an agent type. */
  *ofType(agentType: string): Generator<Subscription> {
    for (const { subscription } of this.#firstsByType.get(agentType) ?? []) {
      yield subscription;
    }
  }

  /** How many of the distinct subscriptions of an agent type the worker has made. */
  countOf(agentType: string, owner: Session): number {
    let count = 0;
    for (const first of this.#firstsByType.get(agentType) ?? []) {
      if (heldBy(owner, first) !== undefined) {
        count += 1;
      }
    }
    return count;
  }

  /** The worker's own subscription with this id or this route. */
  own(owner: Session, subscription: Subscription): Subscription | undefined {
    const byId = this.#byId.get(subscription.id);
    const held = byId?.owner === owner ? byId : heldBy(owner, this.#firsts.get(subscription));
    return held?.subscription;
  }

  /**
   * @param mayShare true when other workers may make the same subscription
   * @throws AgentrtError `SUBSCRIPTION_EXISTS`; `data` says whose it is
   */
  add(owner: Session, subscription: Subscription, mayShare: boolean): void {
    const first = this.#firsts.get(subscription);
    const inTheWay = this.#byId.get(subscription.id) ?? (mayShare ? heldBy(owner, first) : first);
    if (inTheWay !== undefined) {
      // The text is AutoGen's own, which its workers may show or compare. The client id lets a
      // worker that comes back see that the subscription in its way is its own.
      const { id, agentType } = inTheWay.subscription;
      throw new AgentrtError("SUBSCRIPTION_EXISTS", "Subscription already exists", {
        data: { id, agentType, clientId: inTheWay.owner.clientId },
      });
    }
    const held: Held = { subscription: this.#sharingType(subscription), owner, next: undefined };
    this.#byId.set(subscription.id, held);
    if (first === undefined) {
      this.#makeFirst(held);
    } else {
      lastOf(first).next = held;
    }
  }

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  remove(id: string): Held {
    const held = this.#byId.get(id);
    if (held === undefined) {
      throw new AgentrtError("NO_SUCH_SUBSCRIPTION", "Subscription does not exist", {
        data: { id },
      });
    }
    this.#byId.delete(id);
    const { subscription, next } = held;
    const first = this.#firsts.get(subscription);
    if (first !== undefined && first !== held) {
      const before = beforeIn(first, held);
      if (before !== undefined) {
        before.next = next;
      }
      return held;
    }
    this.#firsts.delete(subscription);
    const ofType = this.#firstsByType.get(subscription.agentType);
    ofType?.delete(held);
    if (next !== undefined) {
      this.#makeFirst(next);
    } else if (ofType?.size === 0) {
      this.#firstsByType.delete(subscription.agentType);
    }
    return held;
  }

  /** Calls `visit` once for each distinct subscription that matches the topic type. */
  forEachMatch(topicType: string, visit: (subscription: Subscription) => void): void {
    this.#firsts.forEachMatch(topicType, ({ subscription }) => visit(subscription));
  }

  #makeFirst(held: Held): void {
    this.#firsts.set(held);
    const { agentType } = held.subscription;
    const ofType = this.#firstsByType.get(agentType);
    if (ofType === undefined) {
      this.#firstsByType.set(agentType, new Set([held]));
    } else {
      ofType.add(held);
    }
  }

  /** Each came with a text of its own for the type that thousands may have in common. */
  #sharingType(subscription: Subscription): Subscription {
    const [known] = this.#firstsByType.get(subscription.agentType) ?? [];
    return known === undefined
      ? subscription
      : withAgentType(subscription, known.subscription.agentType);
  }
}

function heldBy(owner: Session, first: Held | undefined): Held | undefined {
  let held = first;
  while (held !== undefined && held.owner !== owner) {
    held = held.next;
  }
  return held;
}

function lastOf(first: Held): Held {
  let held = first;
  while (held.next !== undefined) {
    held = held.next;
  }
  return held;
}

function beforeIn(first: Held, wanted: Held): Held | undefined {
  let held: Held | undefined = first;
  while (held !== undefined && held.next !== wanted) {
    held = held.next;
  }
  return held;
}
