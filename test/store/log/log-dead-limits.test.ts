import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageLogOptions } from "../../../src/store/log/log-options.ts";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { ALL, batchOf } from "./log-batches.ts";

let folder: string;
let log: MessageLog;
let nowMs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-dead-limits-"));
  nowMs = 1_000;
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

async function open(options: Partial<MessageLogOptions>): Promise<void> {
  log = await openMessageLog(folder, { now: () => nowMs, ...options });
  await log.openCursor("c", { patterns: ALL, start: { at: "first" } });
}

/** Gives records up, in one commit. */
async function giveUp(positions: readonly number[], lastError = ""): Promise<void> {
  const why = { reason: "EXPIRED", lastError, attempts: 1 };
  const dead = positions.map((position) => ({ cursor: "c", position, ...why }));
  await log.commit({ cursors: [], dead });
}

async function kept(): Promise<readonly number[]> {
  const dead = await log.listDead({ limit: 1_000 });
  return dead.map(({ position }) => position).toReversed();
}

async function facts(): Promise<object> {
  const { deadRecords, deadBytes, deadDropped } = await log.facts();
  return { deadRecords, deadBytes, deadDropped };
}

test("dead limits - of too many the oldest go, and are counted over a restart", async () => {
  await open({ deadMaxRecords: 3 });
  await log.append([1, 2, 3, 4, 5, 6].map((one) => batchOf("p", one)));
  await giveUp([1, 2, 3]);
  expect(await facts()).toMatchObject({ deadRecords: 3, deadDropped: 0 });
  await giveUp([4, 5]);
  expect(await kept()).toEqual([3, 4, 5]);
  await log.close();
  await open({ deadMaxRecords: 3 });
  await giveUp([6]);
  expect(await kept()).toEqual([4, 5, 6]);
  expect(await facts()).toEqual({ deadRecords: 3, deadBytes: 3 * 64, deadDropped: 3 });
});

test("dead limits - of too many bytes the oldest go, a batch with the last of its records, the newest never", async () => {
  await open({ deadMaxBytes: 1_000 });
  await log.append([
    batchOf("p", 1, { count: 2, bytes: 600 }),
    batchOf("p", 3, { bytes: 300 }),
    batchOf("p", 4, { bytes: 5_000 }),
  ]);
  await giveUp([1, 2]);
  expect(await facts()).toEqual({ deadRecords: 2, deadBytes: 600, deadDropped: 0 });
  await giveUp([3], "x".repeat(101));
  expect(await kept()).toEqual([3]);
  expect(await facts()).toEqual({ deadRecords: 1, deadBytes: 401, deadDropped: 2 });
  await giveUp([4]);
  expect(await kept()).toEqual([4]);
  expect((await log.showDead(4))?.batch).toMatchObject({ sequence: 4 });
});

test("dead limits - those that are too old go with the retention of topics", async () => {
  await open({ deadMaxAgeMs: 10_000 });
  const positions = Array.from({ length: 1_200 }, (_, index) => index + 1);
  await log.append(positions.map((one) => batchOf("p", one)));
  await giveUp(positions.slice(0, 1_100));
  nowMs = 6_000;
  await giveUp(positions.slice(1_100));
  nowMs = 11_000;
  await log.applyRetention();
  expect(await kept()).toEqual(positions.slice(1_100));
  expect(await facts()).toMatchObject({ deadRecords: 100, deadDropped: 1_100 });
});

test("dead limits - what a person drops or replays makes room and is not counted", async () => {
  await open({ deadMaxRecords: 2 });
  await log.append([1, 2, 3, 4].map((one) => batchOf("p", one)));
  await giveUp([1, 2]);
  expect(await log.dropDead([1])).toBe(1);
  expect(await log.replayDead(2, batchOf("again", 1))).toBe(5);
  expect(await facts()).toEqual({ deadRecords: 0, deadBytes: 0, deadDropped: 0 });
  await giveUp([3, 4]);
  expect(await facts()).toMatchObject({ deadRecords: 2, deadDropped: 0 });
});

test("dead limits - one whose transaction failed with another call's is counted once", async () => {
  await open({});
  await log.append([batchOf("p", 1)]);
  const [, bad, , next] = await Promise.allSettled([
    giveUp([1]),
    log.append([{ ...batchOf("p", 2), checksum: 1 }]),
    // Those that wait while the first is written share the next transaction.
    giveUp([1]),
    log.append([{ ...batchOf("p", 2), checksum: 1 }]),
  ]);
  expect([bad?.status, next?.status]).toEqual(["rejected", "rejected"]);
  expect(await facts()).toEqual({ deadRecords: 2, deadBytes: 64, deadDropped: 0 });
});
