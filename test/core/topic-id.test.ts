import { expect, test } from "bun:test";
import fc from "fast-check";
import { AgentId } from "../../src/core/agent-id.ts";
import {
  DefaultTopicId,
  isTopicType,
  MAX_TOPIC_TYPE_LENGTH,
  TopicId,
} from "../../src/core/topic-id.ts";
import { agentId, topicId, topicType } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";

test("topic id - prints as type/source and parses back", () => {
  expect(String(new TopicId("environment_data", "kitchen"))).toBe("environment_data/kitchen");
  fc.assert(
    fc.property(topicId, (topic) => {
      const parsed = TopicId.parse(topic.toString());
      expect([parsed.type, parsed.source]).toEqual([topic.type, topic.source]);
      expect(parsed.equals(topic)).toBe(true);
    }),
  );
});

test("topic id - the first slash divides, later ones are the source's", () => {
  const topic = TopicId.parse("a:b=c/x/y/");
  expect([topic.type, topic.source]).toEqual(["a:b=c", "x/y/"]);
});

test.each(["", "plain", "/source", "type/", "a b/c", "a\n/c", "a€/c"])(
  "topic id - %j is not one",
  (text) => {
    expect(thrownBy(() => TopicId.parse(text)).code).toBe("INVALID_TOPIC");
  },
);

test("topic id - the texts of its errors say what to write", () => {
  expect(thrownBy(() => TopicId.parse("plain")).message).toBe(
    '"plain" is not a topic id. Write it as type/source.',
  );
  expect(thrownBy(() => new TopicId("t", "")).message).toBe(
    'Topic source of "t" is empty. Give a source such as "default".',
  );
  expect(thrownBy(() => new TopicId("a b", "s")).message).toBe(
    '"a b" is not a legal topic type. Use letters, digits, "_", "-", ".", ":" and "=" only, 1024 at the most.',
  );
});

test("topic id - types are those of Python's \\w and '-.:=', up to a length", () => {
  fc.assert(fc.property(topicType, (type) => isTopicType(type)));
  fc.assert(
    fc.property(topicType, fc.constantFrom(..." /+*\n\0€😀"), topicType, (head, illegal, tail) => {
      expect(isTopicType(head + illegal + tail)).toBe(false);
    }),
  );
  expect(isTopicType("a".repeat(MAX_TOPIC_TYPE_LENGTH))).toBe(true);
  expect(isTopicType("a".repeat(MAX_TOPIC_TYPE_LENGTH + 1))).toBe(false);
  const long = "x".repeat(1_000_000);
  expect(thrownBy(() => TopicId.parse(long)).message.length).toBeLessThan(300);
  expect(thrownBy(() => new TopicId(long, "")).message.length).toBeLessThan(300);
});

test("topic id - equality looks at both parts", () => {
  const topic = new TopicId("a", "b");
  expect(topic.equals(new TopicId("a", "b"))).toBe(true);
  expect(topic.equals(new TopicId("a", "c"))).toBe(false);
  expect(topic.equals(new TopicId("c", "b"))).toBe(false);
  expect(topic.equals(undefined)).toBe(false);
});

test("default topic - its source is the publishing agent's key, else `default`", () => {
  expect(String(new DefaultTopicId())).toBe("default/default");
  fc.assert(
    fc.property(agentId, (publisher) => {
      const resolved = new DefaultTopicId("status").resolveFor(publisher);
      expect([resolved.type, resolved.source]).toEqual(["status", publisher.key]);
    }),
  );
  expect(String(new DefaultTopicId("status").resolveFor(undefined))).toBe("status/default");
});

test("default topic - a source that was given stays", () => {
  const publisher = new AgentId("agent", "kitchen");
  expect(String(new DefaultTopicId("status", "home").resolveFor(publisher))).toBe("status/home");
  expect(String(new TopicId("status", "home").resolveFor(publisher))).toBe("status/home");
});
