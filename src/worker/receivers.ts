import type { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope } from "../core/envelope.ts";
import { isFor, RECEIVERS_HEADER } from "../core/routing-headers.ts";
import type { SubscriptionIndex } from "../core/subscription-index.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { AgentInstances } from "./agent-instances.ts";

/** Topics come from peers, so the list of those that are known is bounded; beyond, it begins anew. */
const MAX_TOPICS = 10_000;

/**
 * Which agents of this process get an event: each subscribed type once, but not the sender itself.
 *
 * The answer for a topic is kept until a subscription or an agent type comes or goes: to find it
 * costs more than all else that is done for a small message.
 */
export class Receivers {
  readonly #subscriptions: SubscriptionIndex;
  readonly #instances: AgentInstances;
  /** By topic type, then by source: a key made of both would be a new text for each message. */
  readonly #byTopic = new Map<string, Map<string, readonly AgentId[]>>();
  #size = 0;
  #subscriptionsVersion = 0;
  #typesVersion = 0;

  constructor(subscriptions: SubscriptionIndex, instances: AgentInstances) {
    this.#subscriptions = subscriptions;
    this.#instances = instances;
  }

  of({ topic, sender, headers }: EventEnvelope): readonly AgentId[] {
    const subscribed = this.#subscribed(topic);
    if (sender === undefined && headers[RECEIVERS_HEADER] === undefined) {
      return subscribed;
    }
    const isWanted = (id: AgentId): boolean => isFor(id.type, headers) && !id.equals(sender);
    return subscribed.every(isWanted) ? subscribed : subscribed.filter(isWanted);
  }

  #subscribed(topic: TopicId): readonly AgentId[] {
    this.#forgetIfChanged();
    const known = this.#byTopic.get(topic.type)?.get(topic.source);
    if (known !== undefined) {
      return known;
    }
    const found = this.#find(topic);
    if (this.#size >= MAX_TOPICS) {
      this.#forget();
    }
    this.#size += 1;
    const bySource = this.#byTopic.get(topic.type) ?? new Map<string, readonly AgentId[]>();
    this.#byTopic.set(topic.type, bySource);
    bySource.set(topic.source, found);
    return found;
  }

  #find(topic: TopicId): readonly AgentId[] {
    const receivers = new Map<string, AgentId>();
    this.#subscriptions.forEachMatch(topic.type, (subscription) => {
      const id = subscription.mapToAgent(topic);
      if (this.#instances.hasType(id.type)) {
        receivers.set(subscription.agentType, id);
      }
    });
    return [...receivers.values()];
  }

  #forgetIfChanged(): void {
    const { version: subscriptionsVersion } = this.#subscriptions;
    const { typesVersion } = this.#instances;
    if (
      subscriptionsVersion !== this.#subscriptionsVersion ||
      typesVersion !== this.#typesVersion
    ) {
      this.#subscriptionsVersion = subscriptionsVersion;
      this.#typesVersion = typesVersion;
      this.#forget();
    }
  }

  #forget(): void {
    this.#byTopic.clear();
    this.#size = 0;
  }
}
