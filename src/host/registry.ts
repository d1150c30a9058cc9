import { type AgentId, assertAgentType } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TypePolicy } from "../core/type-policy.ts";
import { HostSubscriptions } from "./host-subscriptions.ts";
import type { Session } from "./session.ts";
import { TypeHolders } from "./type-holders.ts";

export interface RegistryLimits {
  readonly maxWorkers: number;
  readonly maxAgentTypesPerWorker: number;
  readonly maxSubscriptionsPerWorker: number;
}

/** Who is here, who holds which agent type, and who subscribed to what. */
export class Registry {
  readonly #limits: RegistryLimits;
  readonly #sessions = new Map<string, Session>();
  readonly #holders = new Map<string, TypeHolders>();
  readonly #subscriptions = new HostSubscriptions();

  constructor(limits: RegistryLimits) {
    this.#limits = limits;
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  get agentTypes(): Iterable<string> {
    return this.#holders.keys();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.all();
  }

  /** The distinct subscriptions of an agent type. */
  subscriptionsOf(agentType: string): Iterable<Subscription> {
    return this.#subscriptions.ofType(agentType);
  }

  /** True when the worker itself has a subscription by which the agent type gets what is published on the topic. */
  isSubscribed(session: Session, agentType: string, topicType: string): boolean {
    for (const id of session.subscriptionIds) {
      const one = this.#subscriptions.get(id);
      const isMatch =
        one?.kind === "prefix"
          ? topicType.startsWith(one.topicTypePrefix)
          : one?.topicType === topicType;
      if (isMatch && one?.agentType === agentType) {
        return true;
      }
    }
    return false;
  }

  session(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  /** @throws AgentrtError `TOO_MANY` */
  add(session: Session): void {
    if (this.#sessions.size >= this.#limits.maxWorkers) {
      throw new AgentrtError(
        "TOO_MANY",
        `The host knows ${this.#limits.maxWorkers} workers, which is its limit. Try again later or raise max-workers.`,
      );
    }
    this.#sessions.set(session.clientId, session);
  }

  /** Forgets a worker with its agent types and subscriptions. */
  remove(session: Session): void {
    if (this.#sessions.get(session.clientId) === session) {
      this.#sessions.delete(session.clientId);
    }
    for (const id of session.subscriptionIds) {
      this.#subscriptions.remove(id);
    }
    for (const type of session.agentTypes) {
      const holders = this.#holders.get(type);
      holders?.remove(session);
      if (holders?.first === undefined) {
        this.#holders.delete(type);
      }
    }
    session.agentTypes.clear();
    session.subscriptionIds.clear();
  }

  /** Who holds an agent type, and under which policy. */
  holdersOf(agentType: string): TypeHolders | undefined {
    return this.#holders.get(agentType);
  }

  /** The worker that calls and control messages for an agent go to. */
  workerOf(agent: AgentId): Session | undefined {
    return this.#holders.get(agent.type)?.calleeFor(agent.key);
  }

  ownerOf(subscriptionId: string): Session | undefined {
    return this.#subscriptions.ownerOf(subscriptionId);
  }

  /**
   * @throws AgentrtError `INVALID_AGENT_ID`, `TOO_MANY`; `AGENT_TYPE_TAKEN` when the worker itself holds the
   *   type, or the policy is `exclusive` and any does; `POLICY_CONFLICT` when it is held under another policy
   */
  registerAgentType(session: Session, type: string, policy: TypePolicy = "exclusive"): void {
    assertAgentType(type);
    const existing = this.#holders.get(type);
    if (existing !== undefined) {
      assertMayJoin(existing, session, policy);
    }
    this.#assertRoom(
      session.agentTypes.size,
      this.#limits.maxAgentTypesPerWorker,
      "agent types",
      "max-agent-types",
    );
    const holders =
      existing ??
      new TypeHolders(type, policy, (member) => this.#subscriptions.countOf(type, member));
    holders.add(session);
    this.#holders.set(type, holders);
    session.agentTypes.add(type);
  }

  /** Takes an agent type back from a worker, with its subscriptions for it. False when it does not hold the type. */
  unregisterAgentType(session: Session, type: string): boolean {
    const holders = this.#holders.get(type);
    if (holders?.has(session) !== true) {
      return false;
    }
    for (const id of [...session.subscriptionIds]) {
      if (this.#subscriptions.get(id)?.agentType === type) {
        this.removeSubscription(id);
      }
    }
    holders.remove(session);
    if (holders.first === undefined) {
      this.#holders.delete(type);
    }
    session.agentTypes.delete(type);
    session.restorable.agentTypes.delete(type);
    return true;
  }

  /** @throws AgentrtError `SUBSCRIPTION_EXISTS`, `TOO_MANY` */
  addSubscription(session: Session, subscription: Subscription): void {
    const { maxSubscriptionsPerWorker } = this.#limits;
    this.#assertRoom(
      session.subscriptionIds.size,
      maxSubscriptionsPerWorker,
      "subscriptions",
      "max-subscriptions",
    );
    const holders = this.#holders.get(subscription.agentType);
    const mayShare =
      holders !== undefined && holders.policy !== "exclusive" && holders.has(session);
    this.#subscriptions.add(session, subscription, mayShare);
    session.subscriptionIds.add(subscription.id);
    holders?.refresh();
  }

  /** The worker's own subscription with the same id or the same route. */
  ownSubscription(session: Session, subscription: Subscription): Subscription | undefined {
    return this.#subscriptions.own(session, subscription);
  }

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  removeSubscription(id: string): Subscription {
    const { owner, subscription } = this.#subscriptions.remove(id);
    owner.subscriptionIds.delete(id);
    owner.restorable.subscriptionIds.delete(id);
    this.#holders.get(subscription.agentType)?.refresh();
    return subscription;
  }

  /** To be called when a worker begins or gives up to leave. */
  refresh(session: Session): void {
    for (const type of session.agentTypes) {
      this.#holders.get(type)?.refresh();
    }
  }

  /** Calls `visit` once for each distinct subscription to the topic type, with who holds its agent type. */
  forEachReceiver(
    topicType: string,
    visit: (holders: TypeHolders | undefined, subscription: Subscription) => void,
  ): void {
    this.#subscriptions.forEachMatch(topicType, (subscription) => {
      visit(this.#holders.get(subscription.agentType), subscription);
    });
  }

  #assertRoom(count: number, most: number, what: string, setting: string): void {
    if (count >= most) {
      throw new AgentrtError(
        "TOO_MANY",
        `The worker has ${count} ${what}, which is the host's limit for one worker (${setting}).`,
        { data: { limit: most } },
      );
    }
  }
}

function assertMayJoin(holders: TypeHolders, session: Session, policy: TypePolicy): void {
  const { type, first } = holders;
  const isTaken = policy === "exclusive" || holders.has(session);
  if (isTaken && first !== undefined) {
    const holder = holders.has(session) ? session : first;
    // The text is AutoGen's own, which its workers may show or compare.
    throw new AgentrtError(
      "AGENT_TYPE_TAKEN",
      `Agent type ${type} already registered with client ${holder.clientId}.`,
      { data: { agentType: type, clientId: holder.clientId } },
    );
  }
  if (policy !== holders.policy) {
    throw new AgentrtError(
      "POLICY_CONFLICT",
      `Agent type ${type} is ${holders.policy} at this host, and this worker asks for ${policy}. Give all its workers, and the host's agent-policy, the same.`,
      { data: { agentType: type, policy: holders.policy, clientId: first?.clientId ?? "" } },
    );
  }
}
