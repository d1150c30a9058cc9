import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  isSameSubscription,
  MAX_SUBSCRIPTION_ID_LENGTH,
  patternOf,
  TypePrefixSubscription,
  TypeSubscription,
} from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { agentType, closeSubscription, someText, topicType } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";

test("subscription - an exact one matches its topic type alone", () => {
  const subscription = new TypeSubscription("ab", "agent");
  expect(
    ["ab", "a", "abc", "b"].map((type) => subscription.matches(new TopicId(type, "s"))),
  ).toEqual([true, false, false, false]);
});

test("subscription - a prefix matches itself and what goes on from it", () => {
  const subscription = new TypePrefixSubscription("ab", "agent");
  expect(
    ["ab", "a", "abc", "ab:c", "bab"].map((type) => subscription.matches(new TopicId(type, "s"))),
  ).toEqual([true, false, true, true, false]);
});

test("subscription - the empty prefix matches everything, and an exact one is never empty", () => {
  const all = new TypePrefixSubscription("", "agent");
  fc.assert(
    fc.property(topicType, (type) => {
      expect(all.matches(new TopicId(type, "s"))).toBe(true);
    }),
  );
  expect(thrownBy(() => new TypeSubscription("", "agent")).code).toBe("INVALID_TOPIC");
});

test("subscription - the receiver is the agent type, keyed by the topic's source", () => {
  fc.assert(
    fc.property(topicType, agentType, someText, (topic, agent, source) => {
      for (const subscription of [
        new TypeSubscription(topic, agent),
        new TypePrefixSubscription(topic, agent),
      ]) {
        const id = subscription.mapToAgent(new TopicId(topic, source));
        expect([id.type, id.key]).toEqual([agent, source]);
        expect(patternOf(subscription)).toBe(topic);
      }
    }),
  );
});

test("subscription - the same are those with one id, or one kind, pattern and agent type", () => {
  fc.assert(
    fc.property(closeSubscription, closeSubscription, (a, b) => {
      const isSame =
        a.id === b.id ||
        (a.kind === b.kind && patternOf(a) === patternOf(b) && a.agentType === b.agentType);
      expect(isSameSubscription(a, b)).toBe(isSame);
    }),
  );
});

test("subscription - ids are made when left out, and are never equal", () => {
  const ids = Array.from({ length: 100 }, () => new TypeSubscription("t", "a").id);
  expect(new Set(ids).size).toBe(100);
});

test.each([TypeSubscription, TypePrefixSubscription])(
  "subscription - illegal parts are refused (%p)",
  (Kind) => {
    expect(thrownBy(() => new Kind("a b", "agent")).code).toBe("INVALID_TOPIC");
    expect(thrownBy(() => new Kind("topic", "a b")).code).toBe("INVALID_AGENT_ID");
    expect(thrownBy(() => new Kind("topic", "agent", "")).code).toBe("INVALID_SUBSCRIPTION");
    const longest = "i".repeat(MAX_SUBSCRIPTION_ID_LENGTH);
    expect(new Kind("topic", "agent", longest).id).toBe(longest);
    expect(thrownBy(() => new Kind("topic", "agent", `${longest}i`)).code).toBe(
      "INVALID_SUBSCRIPTION",
    );
  },
);
