import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { declarationOf, type TopicDeclaration } from "../../../src/store/log/topic-declaration.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { ALL, batchOf, everything } from "./log-batches.ts";

let folder: string;
let log: MessageLog;
let nowMs = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-topics-"));
  nowMs = 1_000;
  log = await openMessageLog(folder, { now: () => nowMs });
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

function declare(
  text: string,
  retention: Partial<TopicDeclaration["retention"]> = {},
  kind: "type" | "prefix" = "type",
): TopicDeclaration {
  return {
    pattern: { kind, text },
    isDurable: true,
    retention: { maxAgeMs: undefined, maxBytes: undefined, maxRecords: undefined, ...retention },
    maxDeliver: undefined,
    timeToLiveMs: undefined,
    settingsJson: undefined,
  };
}

async function sequences(): Promise<readonly number[]> {
  return (await log.read(everything())).batches.map(({ sequence }) => sequence);
}

test("topics - declarations are kept over restarts, replaced and removed", async () => {
  const full: TopicDeclaration = {
    ...declare("a", { maxAgeMs: 1, maxBytes: 2, maxRecords: 3 }),
    maxDeliver: 4,
    timeToLiveMs: 5,
    settingsJson: '{"full":"spill"}',
  };
  await log.putTopic(declare("b.", {}, "prefix"));
  await log.putTopic(declare("a"));
  await log.putTopic(full);
  await log.close();
  log = await openMessageLog(folder);
  expect(await log.listTopics()).toEqual([declare("b.", {}, "prefix"), full]);
  expect(await log.removeTopic({ kind: "prefix", text: "b." })).toBe(true);
  expect(await log.removeTopic({ kind: "type", text: "b." })).toBe(false);
  expect(await log.listTopics()).toEqual([full]);
});

test("topics - a limit that is no whole number from 1 is refused", async () => {
  const error = await rejectionOf(log.putTopic(declare("a", { maxBytes: 0 })));
  expect(error.code).toBe("INVALID_OPTION");
  expect(await log.listTopics()).toEqual([]);
});

test("topics - an exact declaration goes before prefixes, and of these the longest", () => {
  const [short, long, exact] = [
    declare("a", {}, "prefix"),
    declare("a.b", {}, "prefix"),
    declare("a.b"),
  ];
  for (const all of [
    [short, long, exact],
    [exact, long, short],
  ]) {
    expect(declarationOf(all, "a.b")).toBe(exact);
    expect(declarationOf(all, "a.bc")).toBe(long);
    expect(declarationOf(all, "a.c")).toBe(short);
    expect(declarationOf(all, "b")).toBeUndefined();
  }
});

test("retention - by count, of all topics of a pattern together, the oldest go", async () => {
  await log.putTopic(declare("t.", { maxRecords: 30 }, "prefix"));
  await log.putTopic(declare("t.kept"));
  for (let sequence = 0; sequence < 12; sequence += 1) {
    const topicType = ["t.a", "t.b", "t.kept"][sequence % 3] ?? "";
    await log.append([batchOf("p", sequence * 10, { count: 10, topicType })]);
  }
  expect(await log.applyRetention()).toEqual([
    {
      pattern: { kind: "prefix", text: "t." },
      batches: 5,
      records: 50,
      bytes: 320,
      undelivered: {},
    },
  ]);
  expect(await sequences()).toEqual([20, 50, 70, 80, 90, 100, 110]);
  expect(await log.applyRetention()).toEqual([]);
  expect(await log.facts()).toMatchObject({ batches: 7, records: 70, recordBytes: 448 });
});

test("retention - by bytes and by age, each alone", async () => {
  await log.putTopic(declare("bytes", { maxBytes: 250 }));
  await log.putTopic(declare("age", { maxAgeMs: 1_000 }));
  for (let sequence = 1; sequence <= 10; sequence += 1) {
    nowMs = 1_000 + sequence * 300;
    await log.append([batchOf("p", sequence * 2, { topicType: "bytes", bytes: 100 })]);
    await log.append([batchOf("p", sequence * 2 + 1, { topicType: "age" })]);
  }
  await log.applyRetention();
  expect(await sequences()).toEqual([15, 17, 18, 19, 20, 21]);
  nowMs = 10_000;
  await log.applyRetention();
  expect(await sequences()).toEqual([18, 20]);
});

test("retention - positions are not given again, and duplicates are still noticed, over restarts", async () => {
  await log.putTopic(declare("temperature", { maxAgeMs: 1 }));
  await log.append([batchOf("p", 1, { count: 5 })]);
  nowMs = 5_000;
  await log.applyRetention();
  expect(await log.facts()).toMatchObject({ batches: 0, nextPosition: 6, firstPosition: 6 });
  await log.close();
  log = await openMessageLog(folder, { now: () => nowMs });
  expect(await log.append([batchOf("p", 1, { count: 5 }), batchOf("p", 6)])).toEqual([
    { position: 1, isDuplicate: true },
    { position: 6, isDuplicate: false },
  ]);
  expect(await log.read(everything())).toMatchObject({ batches: [{ position: 6 }], damaged: [] });
});

test("retention - it says what cursors had not had", async () => {
  await log.putTopic(declare("temperature", { maxRecords: 10 }));
  await log.openCursor("behind", { patterns: ALL, start: { at: "first" } });
  await log.openCursor("elsewhere", {
    patterns: [{ kind: "type", text: "other" }],
    start: { at: "first" },
  });
  await log.openCursor("some", { patterns: ALL, start: { at: "first" } });
  await log.append([batchOf("p", 1, { count: 10 })]);
  await log.append([batchOf("p", 11, { count: 10 })]);
  await log.commit({
    cursors: [{ name: "some", state: { floor: 3, done: [[5, 6]], attempts: [] } }],
  });
  expect(await log.applyRetention()).toMatchObject([
    { records: 10, undelivered: { behind: 10, some: 6 } },
  ]);
});

test("retention - a long log is cut in steps, and what comes meanwhile is stored", async () => {
  await log.putTopic(declare("temperature", { maxRecords: 5 }));
  for (let from = 0; from < 4_000; from += 1_000) {
    await log.append(Array.from({ length: 1_000 }, (_, index) => batchOf("p", from + index + 1)));
  }
  const cutting = log.applyRetention();
  await log.append([batchOf("p", 9_999)]);
  await cutting;
  await log.applyRetention();
  expect(await sequences()).toEqual([3_997, 3_998, 3_999, 4_000, 9_999]);
});

test("retention - a producer that is silent for long is forgotten", async () => {
  await log.close();
  log = await openMessageLog(folder, { now: () => nowMs, dedupProducerAgeMs: 1_000 });
  await log.append([batchOf("old", 1), batchOf("busy", 1)]);
  nowMs = 1_900;
  await log.append([batchOf("busy", 2)]);
  await log.applyRetention();
  nowMs = 2_500;
  await log.applyRetention();
  expect(await log.append([batchOf("busy", 1), batchOf("old", 1)])).toMatchObject([
    { isDuplicate: true },
    { isDuplicate: false },
  ]);
});

test("retention - a read tells what is gone of its topics, and nothing else, over a restart", async () => {
  await log.putTopic(declare("temperature", { maxRecords: 1 }));
  await log.append([batchOf("p", 1), batchOf("p", 2), batchOf("q", 1, { topicType: "humidity" })]);
  await log.append([batchOf("p", 3)]);
  await log.applyRetention();
  const removed = async (topicType: string, from: number): Promise<number> =>
    (await log.read({ ...everything(from), patterns: [{ kind: "type", text: topicType }] }))
      .removedUntil;
  for (let round = 0; round < 2; round += 1) {
    expect(await removed("temperature", 1)).toBe(3);
    expect(await removed("temperature", 2)).toBe(3);
    expect(await removed("temperature", 3)).toBe(0);
    expect(await removed("humidity", 1)).toBe(0);
    await log.close();
    log = await openMessageLog(folder, { now: () => nowMs });
  }
});
