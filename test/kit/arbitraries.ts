import fc from "fast-check";
import { AgentId } from "../../src/core/agent-id.ts";
import {
  type Subscription,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";

const LETTERS = [..."abzAZ09_-.äß中е"];

/** Any text that protobuf can carry: whole characters of all planes. */
export const anyText = fc.string({ unit: "binary" });
export const someText = fc.string({ unit: "binary", minLength: 1 });
export const agentType = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 1 });
export const topicType = fc.string({ unit: fc.constantFrom(...LETTERS, ":", "="), minLength: 1 });
export const agentId = fc.tuple(agentType, someText).map(([type, key]) => new AgentId(type, key));
export const topicId = fc
  .tuple(topicType, someText)
  .map(([type, source]) => new TopicId(type, source));
export const bytes = fc.uint8Array({ maxLength: 64 });

/** Topic types over few letters, so that equal ones and prefixes of each other are common. */
export const closeTopicType = fc.string({
  unit: fc.constantFrom("a", "b", ":"),
  minLength: 1,
  maxLength: 5,
});

/** Subscriptions among which equal ids, equal patterns and prefixes of each other are common. */
export const closeSubscription: fc.Arbitrary<Subscription> = fc
  .record({
    kind: fc.constantFrom("type" as const, "prefix" as const),
    pattern: closeTopicType,
    agentType: fc.constantFrom("x", "y", "z"),
    id: fc.nat(40).map(String),
  })
  .map(({ kind, pattern, agentType: type, id }) =>
    kind === "type"
      ? new TypeSubscription(pattern, type, id)
      : new TypePrefixSubscription(pattern, type, id),
  );

/** Headers as a peer may send them: any names and values, `__proto__` among the names. */
export const anyHeaders = fc.dictionary(
  fc.oneof({ weight: 9, arbitrary: anyText }, { weight: 1, arbitrary: fc.constant("__proto__") }),
  anyText,
);
