import { assertAgentType } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { Subscription } from "../core/subscription.ts";
import { SubscriptionIndex } from "../core/subscription-index.ts";
import type { Session } from "./session.ts";

export interface RegistryLimits {
  readonly maxWorkers: number;
  readonly maxAgentTypesPerWorker: number;
  readonly maxSubscriptionsPerWorker: number;
}

/** Who is here, who holds which agent type, and who subscribed to what. */
export class Registry {
  readonly #limits: RegistryLimits;
  readonly #sessions = new Map<string, Session>();
  readonly #holders = new Map<string, Session>();
  readonly #subscriptions = new SubscriptionIndex();
  readonly #owners = new Map<string, Session>();

  constructor(limits: RegistryLimits) {
    this.#limits = limits;
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions.values();
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

  /** Forgets a worker with its agent types and subscriptions, at once, as AutoGen's workers expect. */
  remove(session: Session): void {
    if (this.#sessions.get(session.clientId) === session) {
      this.#sessions.delete(session.clientId);
    }
    for (const type of session.agentTypes) {
      this.#holders.delete(type);
    }
    for (const id of session.subscriptionIds) {
      this.#subscriptions.remove(id);
      this.#owners.delete(id);
    }
    session.agentTypes.clear();
    session.subscriptionIds.clear();
  }

  holderOf(agentType: string): Session | undefined {
    return this.#holders.get(agentType);
  }

  ownerOf(subscriptionId: string): Session | undefined {
    return this.#owners.get(subscriptionId);
  }

  /** @throws AgentrtError `INVALID_AGENT_ID`, `AGENT_TYPE_TAKEN` (by any worker, the same one included), `TOO_MANY` */
  registerAgentType(session: Session, type: string): void {
    assertAgentType(type);
    const holder = this.#holders.get(type);
    if (holder !== undefined) {
      // The text is AutoGen's own, which its workers may show or compare.
      throw new AgentrtError(
        "AGENT_TYPE_TAKEN",
        `Agent type ${type} already registered with client ${holder.clientId}.`,
        { data: { agentType: type, clientId: holder.clientId } },
      );
    }
    this.#assertRoom(session.agentTypes.size, this.#limits.maxAgentTypesPerWorker, "agent types");
    this.#holders.set(type, session);
    session.agentTypes.add(type);
  }

  /** @throws AgentrtError `SUBSCRIPTION_EXISTS`, `TOO_MANY` */
  addSubscription(session: Session, subscription: Subscription): void {
    const { maxSubscriptionsPerWorker } = this.#limits;
    this.#assertRoom(session.subscriptionIds.size, maxSubscriptionsPerWorker, "subscriptions");
    try {
      this.#subscriptions.add(subscription);
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      const owner = this.#owners.get(String(error.data["id"]));
      throw owner === undefined ? error : withClientId(error, owner.clientId);
    }
    this.#owners.set(subscription.id, session);
    session.subscriptionIds.add(subscription.id);
  }

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  removeSubscription(id: string): void {
    this.#subscriptions.remove(id);
    this.#owners.get(id)?.subscriptionIds.delete(id);
    this.#owners.delete(id);
  }

  /** Calls `visit` once for each subscription to the topic type, with the worker that holds its agent type. */
  forEachReceiver(
    topicType: string,
    visit: (holder: Session | undefined, subscription: Subscription) => void,
  ): void {
    this.#subscriptions.forEachMatch(topicType, (subscription) => {
      visit(this.#holders.get(subscription.agentType), subscription);
    });
  }

  #assertRoom(count: number, most: number, what: string): void {
    if (count >= most) {
      throw new AgentrtError(
        "TOO_MANY",
        `The worker has ${count} ${what}, which is the host's limit for one worker.`,
        { data: { limit: most } },
      );
    }
  }
}

/** Lets a worker that comes back see that the subscription in its way is its own. */
function withClientId(error: AgentrtError, clientId: string): AgentrtError {
  return new AgentrtError(error.code, error.message, { data: { ...error.data, clientId } });
}
