import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LOG_FILE } from "../../../src/store/log/log-file-name.ts";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { batchOf, everything, textOf } from "./log-batches.ts";

let folder: string;
let log: MessageLog;
let nowMs = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-schedules-"));
  nowMs = 1_000;
  log = await openMessageLog(folder, { now: () => nowMs });
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

async function reopen(): Promise<void> {
  await log.close();
  log = await openMessageLog(folder, { now: () => nowMs });
}

async function texts(): Promise<readonly string[]> {
  return (await log.read(everything())).batches.map(textOf);
}

test("delayed batches - they come into the log when they are due, in order of their times, once, over restarts", async () => {
  expect(
    await log.append([
      batchOf("p", 1, { deliverAtMs: 5_000, count: 3, expiresAtMs: 77_000 }),
      batchOf("p", 4, { deliverAtMs: 3_000 }),
      batchOf("p", 5, { deliverAtMs: 1_000 }),
      batchOf("p", 6),
    ]),
  ).toEqual([
    { position: 0, isDuplicate: false },
    { position: 0, isDuplicate: false },
    { position: 1, isDuplicate: false },
    { position: 2, isDuplicate: false },
  ]);
  expect(await texts()).toEqual(["p/5", "p/6"]);
  await reopen();
  expect(await log.moveDue(2_999)).toEqual({ positions: [], nextDueAtMs: 3_000 });
  nowMs = 6_000;
  expect(await log.moveDue(6_000)).toEqual({ positions: [3, 4], nextDueAtMs: undefined });
  await reopen();
  expect(await log.moveDue(9_000)).toEqual({ positions: [], nextDueAtMs: undefined });
  expect(await texts()).toEqual(["p/5", "p/6", "p/4", "p/1"]);
  expect((await log.read(everything(4))).batches).toMatchObject([
    { position: 4, count: 3, expiresAtMs: 77_000, deliverAtMs: undefined, storedAtMs: 6_000 },
  ]);
});

test("delayed batches - one that comes again is noticed before and after it is due", async () => {
  const batch = batchOf("p", 1, { deliverAtMs: 5_000 });
  await log.append([batch]);
  expect(await log.append([batch])).toEqual([{ position: 0, isDuplicate: true }]);
  await log.append([batchOf("p", 2)]);
  await log.moveDue(5_000);
  expect(await log.append([batch])).toEqual([{ position: 2, isDuplicate: true }]);
});

test("delayed batches - many that are due come in several steps", async () => {
  await log.append(
    Array.from({ length: 2_500 }, (_, index) =>
      batchOf("p", index + 1, { deliverAtMs: 5_000 + index }),
    ),
  );
  let moved = 0;
  for (let due: number | undefined = 0; due !== undefined && due <= 100_000; ) {
    const step = await log.moveDue(100_000);
    moved += step.positions.length;
    due = step.nextDueAtMs;
  }
  expect(moved).toBe(2_500);
  expect(await texts()).toHaveLength(2_500);
});

test("schedules - each time fires once, whoever asks and how often", async () => {
  const batch = batchOf("anyone", 1, { publishedAtMs: 100, expiresAtMs: 600 });
  await log.putSchedule({ name: "hourly", pattern: "0 * * * *", nextAtMs: 5_000, batch });
  await reopen();
  expect(await log.listSchedules()).toEqual([
    { name: "hourly", pattern: "0 * * * *", nextAtMs: 5_000, batch, problem: undefined },
  ]);
  nowMs = 5_003;
  const fired = await Promise.all([
    log.fireSchedule("hourly", 5_000, 9_000, "publish"),
    log.fireSchedule("hourly", 5_000, 9_000, "publish"),
  ]);
  expect(fired).toEqual([1, undefined]);
  await reopen();
  expect(await log.fireSchedule("hourly", 5_000, 9_000, "publish")).toBeUndefined();
  expect((await log.listSchedules())[0]?.nextAtMs).toBe(9_000);
  expect((await log.read(everything())).batches).toMatchObject([
    { producer: "schedule:1", sequence: 5_000, publishedAtMs: 5_003, expiresAtMs: 5_503 },
  ]);
  expect(await log.fireSchedule("hourly", 9_000, undefined, "publish")).toBe(2);
  expect(await log.listSchedules()).toEqual([]);
});

test("schedules - a time that is skipped is over, and nothing is stored of it", async () => {
  const batch = batchOf("anyone", 1);
  await log.putSchedule({ name: "s", pattern: "a", nextAtMs: 5_000, batch });
  expect(await log.fireSchedule("s", 5_000, 9_000, "skip")).toBe(0);
  await reopen();
  expect(await log.fireSchedule("s", 5_000, 9_000, "publish")).toBeUndefined();
  expect((await log.listSchedules())[0]?.nextAtMs).toBe(9_000);
  expect(await texts()).toEqual([]);
});

test("schedules - one that is damaged is listed so, does not fire, and keeps no other from it", async () => {
  const good = { name: "good", pattern: "a", nextAtMs: 5_000, batch: batchOf("p", 1) };
  await log.putSchedule(good);
  await log.putSchedule({ ...good, name: "bad" });
  await log.close();
  {
    using file = new Database(join(folder, LOG_FILE));
    file.run("UPDATE schedules SET sequence = sequence + 1 WHERE name = 'bad'");
  }
  log = await openMessageLog(folder, { now: () => nowMs });
  expect(await log.listSchedules()).toMatchObject([
    { name: "bad", batch: undefined, problem: expect.any(String) },
    { name: "good", problem: undefined },
  ]);
  const error = await rejectionOf(log.fireSchedule("bad", 5_000, 9_000, "publish"));
  expect(error.code).toBe("STORE_DAMAGED");
  expect(await log.fireSchedule("good", 5_000, 9_000, "publish")).toBe(1);
  expect(await log.removeSchedule("bad")).toBe(true);
});

test("schedules - replaced and removed, the old times do not fire", async () => {
  const batch = batchOf("anyone", 1);
  await log.putSchedule({ name: "s", pattern: "a", nextAtMs: 5_000, batch });
  await log.putSchedule({ name: "s", pattern: "b", nextAtMs: 6_000, batch });
  expect(await log.fireSchedule("s", 5_000, 9_000, "publish")).toBeUndefined();
  expect(await log.removeSchedule("s")).toBe(true);
  expect(await log.removeSchedule("s")).toBe(false);
  expect(await log.fireSchedule("s", 6_000, 9_000, "publish")).toBeUndefined();
  expect(await texts()).toEqual([]);
});
