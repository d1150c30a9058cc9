import { AgentrtError } from "../../core/errors.ts";
import {
  type Subscription,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../core/subscription.ts";
import type { TopicId } from "../../core/topic-id.ts";
import { Topic } from "../../worker/topic.ts";

/** What `agentrt sub` was asked to show: `type`, `type/source`, or `beginning*`. */
export interface TopicPattern {
  /** The subscription that brings at least what matches. */
  subscribe(agentType: string): Subscription;
  matches(topic: TopicId): boolean;
}

/** @throws AgentrtError `INVALID_TOPIC` */
export function parseTopicPattern(text: string): TopicPattern {
  if (text === "*") {
    throw new AgentrtError(
      "INVALID_TOPIC",
      'The protocol has no subscription to everything. Give the beginning of a topic type, such as "environment*"; "agentrt ls topics" lists them.',
    );
  }
  if (text.endsWith("*")) {
    const prefix = text.slice(0, -1);
    // Checked now, not when the host is there.
    const probe = new TypePrefixSubscription(prefix, "agentrt");
    return {
      subscribe: (agentType) => new TypePrefixSubscription(prefix, agentType),
      matches: (topic) => probe.matches(topic),
    };
  }
  const topic = Topic.parse(text);
  return {
    subscribe: (agentType) => new TypeSubscription(topic.type, agentType),
    matches: (topicId) => topic.matches(topicId),
  };
}

/** One subscription for each topic type or prefix, however many sources of it are wanted. */
export function subscriptionsFor(
  patterns: readonly TopicPattern[],
  agentType: string,
): readonly Subscription[] {
  const byRoute = new Map<string, Subscription>();
  for (const pattern of patterns) {
    const subscription = pattern.subscribe(agentType);
    const route =
      subscription.kind === "type"
        ? `= ${subscription.topicType}`
        : `^ ${subscription.topicTypePrefix}`;
    byRoute.set(route, subscription);
  }
  return [...byRoute.values()];
}
