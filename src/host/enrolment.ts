import { AgentrtError } from "../core/errors.ts";
import { routeKeyOf, type Subscription } from "../core/subscription.ts";
import { isTypePolicy, TYPE_POLICIES, type TypePolicy } from "../core/type-policy.ts";
import type { Durable } from "./durable/durable.ts";
import type { EventRouter } from "./event-router.ts";
import type { Presence } from "./presence.ts";
import type { Registry } from "./registry.ts";
import type { Session } from "./session.ts";

export interface EnrolmentParts {
  readonly registry: Registry;
  readonly events: EventRouter;
  readonly presence: Presence;
  readonly durable: Durable;
  /** Policies of agent types whose workers name none. */
  readonly agentPolicies: Readonly<Record<string, TypePolicy>>;
}

/** What workers register, with what follows from it: presence, and the retained values of new subscriptions. */
export class Enrolment {
  readonly #parts: EnrolmentParts;

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
  }

  /**
   * @param wanted the policy that the worker names; undefined when it names none
   * @throws AgentrtError as `Registry.registerAgentType`; `POLICY_CONFLICT` when the host's settings say otherwise;
   *   `INVALID_OPTION` for a policy that does not exist
   */
  registerAgentType(session: Session, type: string, wanted?: string): void {
    const { registry, presence, events, durable } = this.#parts;
    const policy = this.#policyOf(type, wanted);
    const isBack =
      session.restorable.agentTypes.has(type) && registry.holdersOf(type)?.policy === policy;
    if (isBack) {
      session.restorable.agentTypes.delete(type);
      durable.cursors.subscribed(type);
      return;
    }
    registry.registerAgentType(session, type, policy);
    if (session.state === "connected") {
      presence.typeCame(session, type);
    }
    durable.cursors.subscribed(type);
    for (const subscription of registry.subscriptionsOf(type)) {
      events.replay(subscription, session);
    }
  }

  /** @throws AgentrtError as `Registry.addSubscription` */
  addSubscription(session: Session, subscription: Subscription): void {
    const { registry, events } = this.#parts;
    const own = registry.ownSubscription(session, subscription);
    if (own !== undefined && session.restorable.subscriptionIds.has(own.id)) {
      this.#renewSubscription(session, own, subscription);
      return;
    }
    registry.addSubscription(session, subscription);
    this.#parts.durable.cursors.subscribed(subscription.agentType);
    events.replay(subscription, session);
  }

  /**
   * A worker that was lost makes a subscription again that was kept for it: the same, with a fresh id, or,
   * under the same id, another one. When that is refused it keeps what it had.
   */
  #renewSubscription(session: Session, own: Subscription, subscription: Subscription): void {
    const { registry, events, durable } = this.#parts;
    const isSameRoute = routeKeyOf(own) === routeKeyOf(subscription);
    if (own.id !== subscription.id || !isSameRoute) {
      registry.removeSubscription(own.id);
      try {
        registry.addSubscription(session, subscription);
      } catch (error) {
        registry.addSubscription(session, own);
        session.restorable.subscriptionIds.add(own.id);
        throw error;
      }
    }
    session.restorable.subscriptionIds.delete(own.id);
    if (!isSameRoute) {
      durable.cursors.unsubscribed(own);
      durable.cursors.subscribed(subscription.agentType);
      events.replay(subscription, session);
    }
  }

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  removeSubscription(id: string): void {
    const { registry, durable } = this.#parts;
    const removed = registry.removeSubscription(id);
    durable.cursors.unsubscribed(removed);
  }

  #policyOf(type: string, wanted: string | undefined): TypePolicy {
    const { agentPolicies } = this.#parts;
    const declared = Object.hasOwn(agentPolicies, type) ? agentPolicies[type] : undefined;
    if (wanted === undefined) {
      return declared ?? "exclusive";
    }
    if (!isTypePolicy(wanted)) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `"${wanted}" is no registration policy. Use one of ${TYPE_POLICIES.join(", ")}.`,
        { data: { agentType: type } },
      );
    }
    if (declared !== undefined && declared !== wanted) {
      throw new AgentrtError(
        "POLICY_CONFLICT",
        `Agent type ${type} is ${declared} by the host's agent-policy, and this worker asks for ${wanted}. Give both the same.`,
        { data: { agentType: type, policy: declared } },
      );
    }
    return wanted;
  }
}
