import { AgentId, assertAgentType } from "./agent-id.ts";
import { AgentrtError } from "./errors.ts";
import { assertTopicType, type TopicId } from "./topic-id.ts";

/** Ids are kept as long as the subscription; AutoGen's are UUIDs. */
export const MAX_SUBSCRIPTION_ID_LENGTH = 255;

interface SubscriptionCommon {
  /** Unique among all subscriptions of a host. */
  readonly id: string;
  readonly agentType: string;
  /** True when a message on the topic is for this subscription. */
  matches(topic: TopicId): boolean;
  /** The agent instance that gets a message on the topic: the agent type, keyed by the topic's source. */
  mapToAgent(topic: TopicId): AgentId;
}

/** Messages whose topic type is exactly `topicType` go to `agentType`. */
export class TypeSubscription implements SubscriptionCommon {
  readonly kind = "type";
  readonly id: string;
  readonly topicType: string;
  readonly agentType: string;

  /** @throws AgentrtError `INVALID_TOPIC`, `INVALID_AGENT_ID` or `INVALID_SUBSCRIPTION` (id empty or too long) */
  constructor(topicType: string, agentType: string, id: string = crypto.randomUUID()) {
    assertTopicType(topicType);
    assertAgentType(agentType);
    assertId(id);
    this.topicType = topicType;
    this.agentType = agentType;
    this.id = id;
  }

  matches(topic: TopicId): boolean {
    return topic.type === this.topicType;
  }

  mapToAgent(topic: TopicId): AgentId {
    return new AgentId(this.agentType, topic.source);
  }
}

/** Messages whose topic type begins with `topicTypePrefix` go to `agentType`; the empty one takes all, as in AutoGen. */
export class TypePrefixSubscription implements SubscriptionCommon {
  readonly kind = "prefix";
  readonly id: string;
  readonly topicTypePrefix: string;
  readonly agentType: string;

  /** @throws AgentrtError `INVALID_TOPIC`, `INVALID_AGENT_ID` or `INVALID_SUBSCRIPTION` (id empty or too long) */
  constructor(topicTypePrefix: string, agentType: string, id: string = crypto.randomUUID()) {
    if (topicTypePrefix !== "") {
      assertTopicType(topicTypePrefix);
    }
    assertAgentType(agentType);
    assertId(id);
    this.topicTypePrefix = topicTypePrefix;
    this.agentType = agentType;
    this.id = id;
  }

  matches(topic: TopicId): boolean {
    return topic.type.startsWith(this.topicTypePrefix);
  }

  mapToAgent(topic: TopicId): AgentId {
    return new AgentId(this.agentType, topic.source);
  }
}

export type Subscription = TypeSubscription | TypePrefixSubscription;

/** The topic type or prefix of a subscription. */
export function patternOf(subscription: Subscription): string {
  return subscription.kind === "type" ? subscription.topicType : subscription.topicTypePrefix;
}

/** The same subscription with another text for its agent type, such as an equal one that is kept anyway. */
export function withAgentType(subscription: Subscription, agentType: string): Subscription {
  return subscription.kind === "type"
    ? new TypeSubscription(subscription.topicType, agentType, subscription.id)
    : new TypePrefixSubscription(subscription.topicTypePrefix, agentType, subscription.id);
}

/** AutoGen's rule of equality: the same id, or the same pattern, kind and agent type. */
export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  return a.id === b.id || routeKeyOf(a) === routeKeyOf(b);
}

/** Equal for two subscriptions that route the same messages to the same agent type. */
export function routeKeyOf(subscription: Subscription): string {
  return `${subscription.kind}\n${patternOf(subscription)}\n${subscription.agentType}`;
}

function assertId(id: string): void {
  if (id === "" || id.length > MAX_SUBSCRIPTION_ID_LENGTH) {
    throw new AgentrtError(
      "INVALID_SUBSCRIPTION",
      `A subscription needs an id of 1 to ${MAX_SUBSCRIPTION_ID_LENGTH} characters, such as a UUID.`,
    );
  }
}
