import type { Subscription } from "../../core/subscription.ts";
import { matchesPattern, type TopicPattern } from "../../core/topic-pattern.ts";

/** An agent type of one process, such as the handlers of `subscribe()`: nobody will ever ask for what it missed. */
const OF_ONE_PROCESS = /[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

export function isOfOneProcess(agentType: string): boolean {
  return OF_ONE_PROCESS.test(agentType);
}

export function patternIn(subscription: Subscription): TopicPattern {
  return subscription.kind === "type"
    ? { kind: "type", text: subscription.topicType }
    : { kind: "prefix", text: subscription.topicTypePrefix };
}

/** True when there may be topic types that both mean. */
export function overlap(a: TopicPattern, b: TopicPattern): boolean {
  return matchesPattern(a, b.text) || matchesPattern(b, a.text);
}

export function isSame(a: TopicPattern, b: TopicPattern): boolean {
  return a.kind === b.kind && a.text === b.text;
}
