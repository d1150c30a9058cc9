import { AgentrtError } from "../core/errors.ts";
import { routeKeyOf, type Subscription } from "../core/subscription.ts";
import { SubscriptionIndex } from "../core/subscription-index.ts";
import type { Session } from "./session.ts";

interface Held {
  readonly subscription: Subscription;
  readonly owner: Session;
}

/**
 * The subscriptions of all workers. Several workers may make the same one when they share its agent
 * type; the index, which routing uses, then has the first of them only.
 */
export class HostSubscriptions {
  readonly #index = new SubscriptionIndex();
  readonly #byId = new Map<string, Held>();
  /** By route: whoever made it, the one in the index first. */
  readonly #byRoute = new Map<string, Held[]>();
  readonly #byType = new Map<string, Set<string>>();

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
    for (const route of this.#byType.get(agentType) ?? []) {
      const [first] = this.#byRoute.get(route) ?? [];
      if (first !== undefined) {
        yield first.subscription;
      }
    }
  }

  /** How many of the distinct subscriptions of an agent type the worker has made. */
  countOf(agentType: string, owner: Session): number {
    let count = 0;
    for (const route of this.#byType.get(agentType) ?? []) {
      if (this.#byRoute.get(route)?.some((held) => held.owner === owner) === true) {
        count += 1;
      }
    }
    return count;
  }

  /** The worker's own subscription with this id or this route. */
  own(owner: Session, subscription: Subscription): Subscription | undefined {
    const byId = this.#byId.get(subscription.id);
    const held =
      byId?.owner === owner
        ? byId
        : this.#byRoute.get(routeKeyOf(subscription))?.find((other) => other.owner === owner);
    return held?.subscription;
  }

  /**
   * @param mayShare true when other workers may make the same subscription
   * @throws AgentrtError `SUBSCRIPTION_EXISTS`; `data` says whose it is
   */
  add(owner: Session, subscription: Subscription, mayShare: boolean): void {
    const route = routeKeyOf(subscription);
    const same = this.#byRoute.get(route) ?? [];
    const inTheWay =
      this.#byId.get(subscription.id) ??
      (mayShare ? same.find((held) => held.owner === owner) : same[0]);
    if (inTheWay !== undefined) {
      // The text is AutoGen's own, which its workers may show or compare. The client id lets a
      // worker that comes back see that the subscription in its way is its own.
      const { id, agentType } = inTheWay.subscription;
      throw new AgentrtError("SUBSCRIPTION_EXISTS", "Subscription already exists", {
        data: { id, agentType, clientId: inTheWay.owner.clientId },
      });
    }
    if (same.length === 0) {
      this.#index.add(subscription);
    }
    const held: Held = { subscription, owner };
    this.#byId.set(subscription.id, held);
    this.#byRoute.set(route, [...same, held]);
    const routes = this.#byType.get(subscription.agentType) ?? new Set();
    this.#byType.set(subscription.agentType, routes.add(route));
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
    const { subscription } = held;
    const route = routeKeyOf(subscription);
    const others = (this.#byRoute.get(route) ?? []).filter((other) => other !== held);
    if (this.#index.get(id) !== undefined) {
      this.#index.remove(id);
      const [next] = others;
      if (next !== undefined) {
        this.#index.add(next.subscription);
      }
    }
    if (others.length > 0) {
      this.#byRoute.set(route, others);
      return held;
    }
    this.#byRoute.delete(route);
    const routes = this.#byType.get(subscription.agentType);
    routes?.delete(route);
    if (routes?.size === 0) {
      this.#byType.delete(subscription.agentType);
    }
    return held;
  }

  /** Calls `visit` once for each distinct subscription that matches the topic type. */
  forEachMatch(topicType: string, visit: (subscription: Subscription) => void): void {
    this.#index.forEachMatch(topicType, visit);
  }
}
