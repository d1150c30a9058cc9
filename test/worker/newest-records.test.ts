import { expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { BatchRoute, EventBatch } from "../../src/core/event-batch.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { NewestRecords } from "../../src/worker/newest-records.ts";
import { Repeats } from "../../src/worker/repeats.ts";

const ROUTE: BatchRoute = {
  topic: new TopicId("news", "house"),
  sender: undefined,
  headers: {},
  dataType: "Item",
  contentType: "application/json",
  producer: "p/1",
  receivers: [],
};

function batch(sequence: number, count = 1, route: Partial<BatchRoute> = {}): EventBatch {
  const records = new Uint8Array(0);
  // A connection that is new has routes of its own.
  return { kind: "batch", route: { ...ROUTE, ...route }, sequence, position: 0, count, records };
}

test("newest records - what comes behind later ones of its stream is overtaken, over connections too", () => {
  const newest = new NewestRecords();
  const same = { ...batch(1).route };
  expect(newest.isOvertaken({ ...batch(1, 3), route: same })).toBe(false);
  expect(newest.isOvertaken({ ...batch(7, 2), route: same })).toBe(false);
  for (const [sequence, count] of [
    [1, 3],
    [4, 3],
    [7, 2],
    [8, 1],
  ] as const) {
    expect(newest.isOvertaken(batch(sequence, count))).toBe(true);
    expect(newest.isOvertaken({ ...batch(sequence, count), route: same })).toBe(true);
  }
  expect(newest.isOvertaken(batch(9))).toBe(false);
  expect(newest.isOvertaken({ ...batch(9), route: same })).toBe(true);
});

test("newest records - other publishers, topics, keys, senders, priorities and receivers are streams of their own", () => {
  const newest = new NewestRecords();
  expect(newest.isOvertaken(batch(100))).toBe(false);
  for (const other of [
    { producer: "p/2" },
    { topic: new TopicId("news", "garden") },
    { topic: new TopicId("other", "house") },
    { sender: new AgentId("a", "k") },
    { headers: { priority: "high" } },
    { headers: { retainkey: "k" } },
    { receivers: ["a"] },
  ]) {
    expect(newest.isOvertaken(batch(1, 1, other))).toBe(false);
    expect(newest.isOvertaken(batch(1, 1, other))).toBe(true);
  }
});

test("newest records - a batch that was overtaken is a repetition, where repetitions are looked for", () => {
  const identity = (sequence: number) => ({ id: `p/1/${sequence}`, topic: ROUTE.topic });
  const repeats = new Repeats(60_000, 100);
  expect(repeats.isRepeated(batch(5), identity(5))).toBe(false);
  expect(repeats.isRepeated(batch(5), identity(5))).toBe(true);
  expect(repeats.isRepeated(batch(4), identity(4))).toBe(true);
  expect(repeats.isRepeated(batch(6), identity(6))).toBe(false);
  const off = new Repeats(0, 100);
  expect(off.isRepeated(batch(5), identity(5))).toBe(false);
  expect(off.isRepeated(batch(4), identity(4))).toBe(false);
});
