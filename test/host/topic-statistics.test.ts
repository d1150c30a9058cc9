import { expect, test } from "bun:test";
import fc from "fast-check";
import { TopicStatistics } from "../../src/host/topic-statistics.ts";

let now = 0;
const clock = (): number => now;

test("topic statistics - messages, bytes and copies are added up for each topic type", () => {
  now = Date.parse("2026-01-01T00:00:00.500Z");
  const topics = new TopicStatistics(10, clock);
  topics.record("a", 100, 3);
  topics.record("a", 50, 0);
  topics.record("b", 1, 1);
  topics.recordDropped("a", 7);
  expect(topics.report(10)).toEqual([
    {
      ...{ topicType: "a", messages: 2, bytes: 150, deliveries: 3, dropped: 7 },
      fullQueue: "block",
      messagesPerSecond: 0.2,
      lastAt: "2026-01-01T00:00:00.500Z",
    },
    {
      ...{ topicType: "b", messages: 1, bytes: 1, deliveries: 1, dropped: 0 },
      fullQueue: "block",
      messagesPerSecond: 0.1,
      lastAt: "2026-01-01T00:00:00.500Z",
    },
  ]);
  expect(topics.report(1).map(({ topicType }) => topicType)).toEqual(["a"]);
});

test("topic statistics - the rate is that of the last ten seconds, against a plain list", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ waitMs: fc.oneof(fc.nat(4_000), fc.nat(25_000)), messages: fc.nat(5) }),
        { maxLength: 30 },
      ),
      (steps) => {
        now = 1_000_000;
        const topics = new TopicStatistics(10, clock);
        const seconds: number[] = [];
        topics.record("a", 1, 0);
        seconds.push(Math.floor(now / 1_000));
        for (const { waitMs, messages } of steps) {
          now += waitMs;
          for (let number = 0; number < messages; number += 1) {
            topics.record("a", 1, 0);
            seconds.push(Math.floor(now / 1_000));
          }
          const recent = seconds.filter((second) => second > Math.floor(now / 1_000) - 10).length;
          expect(topics.report(1)[0]).toMatchObject({
            messages: seconds.length,
            messagesPerSecond: recent / 10,
          });
        }
      },
    ),
  );
});

test("topic statistics - the bound holds, and those used last stay", () => {
  now = 0;
  const topics = new TopicStatistics(100, clock);
  for (let number = 0; number < 1_500; number += 1) {
    now += 1;
    topics.record(`topic_${number}`, 1, 0);
    topics.record("busy", 1, 0);
    expect(topics.report(1_000).length).toBeLessThanOrEqual(100);
  }
  const kept = topics.report(1_000).map(({ topicType }) => topicType);
  expect(kept[0]).toBe("busy");
  expect(kept).toContain("topic_1499");
  expect(kept).toContain("topic_1450");
  expect(kept).not.toContain("topic_0");
  expect(topics.forgotten).toBe(1_501 - kept.length);
});

test("topic statistics - a bound of one works", () => {
  const topics = new TopicStatistics(1, clock);
  topics.record("a", 1, 0);
  topics.record("b", 1, 0);
  expect(topics.report(9).map(({ topicType }) => topicType)).toEqual(["b"]);
});
