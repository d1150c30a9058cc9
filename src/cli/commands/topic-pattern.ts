import {
  patternOf,
  routeKeyOf,
  type Subscription,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../core/subscription.ts";
import type { TopicId } from "../../core/topic-id.ts";
import { Topic } from "../../worker/topic.ts";

/** What `agentrt sub` was asked to show: a type, or the beginning of one and `*`, and a source or all. */
export interface TopicPattern {
  /** The subscription that brings at least what matches. */
  subscribe(agentType: string): Subscription;
  matches(topic: TopicId): boolean;
}

/** `*`, `beginning*`, and both with `/source`. */
const BEGINNING = /^([^*/]*)\*(?:\/(.+))?$/;

/** @throws AgentrtError `INVALID_TOPIC` */
export function parseTopicPattern(text: string): TopicPattern {
  const [isBeginning, prefix = "", source] = BEGINNING.exec(text) ?? [];
  if (isBeginning !== undefined) {
    // Checked now, not when the host is there.
    const probe = new TypePrefixSubscription(prefix, "agentrt");
    return {
      subscribe: (agentType) => new TypePrefixSubscription(prefix, agentType),
      matches: (topic) => probe.matches(topic) && (source ?? topic.source) === topic.source,
    };
  }
  const topic = Topic.parse(text);
  return {
    subscribe: (agentType) => new TypeSubscription(topic.type, agentType),
    matches: (topicId) => topic.matches(topicId),
  };
}

/**
 * No message comes twice: one subscription for each topic type or prefix, and none that lies within
 * another one.
 */
export function subscriptionsFor(
  patterns: readonly TopicPattern[],
  agentType: string,
): readonly Subscription[] {
  const all = patterns.map((pattern) => pattern.subscribe(agentType));
  return all.filter((one, index) => {
    const covers = (other: Subscription, at: number): boolean =>
      other.kind === "prefix"
        ? patternOf(one).startsWith(other.topicTypePrefix) && (!isSame(one, other) || at < index)
        : isSame(one, other) && at < index;
    return !all.some((other, at) => other !== one && covers(other, at));
  });
}

function isSame(a: Subscription, b: Subscription): boolean {
  return routeKeyOf(a) === routeKeyOf(b);
}
