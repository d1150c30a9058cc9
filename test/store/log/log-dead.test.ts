import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageLog, NewDeadRecord } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { ALL, batchOf, everything, textOf } from "./log-batches.ts";

let folder: string;
let log: MessageLog;
let nowMs = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-dead-"));
  nowMs = 7_000;
  log = await openMessageLog(folder, { now: () => nowMs });
  await log.openCursor("c", { patterns: ALL, start: { at: "first" } });
  await log.append([batchOf("p", 1, { count: 10 }), batchOf("p", 11, { count: 10 })]);
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

function dead(position: number, cursor = "c"): NewDeadRecord {
  return { cursor, position, reason: "MAX_DELIVER", lastError: "HANDLER_FAILED: no", attempts: 5 };
}

function giveUp(floor: number, ...records: NewDeadRecord[]): Promise<void> {
  return log.commit({
    cursors: [{ name: "c", state: { floor, done: [], attempts: [] } }],
    dead: records,
  });
}

test("dead records - each is kept with its batch, its reason and its last error, in the step that moves the cursor", async () => {
  await giveUp(16, dead(15), dead(3));
  await log.close();
  log = await openMessageLog(folder, { now: () => nowMs });
  expect(await log.listDead({ limit: 9 })).toMatchObject([{ id: 2, position: 3 }, { id: 1 }]);
  const shown = await log.showDead(1);
  expect(shown?.dead).toEqual({
    id: 1,
    cursor: "c",
    position: 15,
    topicType: "temperature",
    topicSource: "kitchen",
    atMs: 7_000,
    reason: "MAX_DELIVER",
    lastError: "HANDLER_FAILED: no",
    attempts: 5,
  });
  expect(shown?.index).toBe(4);
  expect(shown?.batch).toMatchObject({ position: 11, count: 10, producer: "p", sequence: 11 });
  expect(shown?.batch === undefined ? "" : textOf(shown.batch)).toBe("p/11");
  expect((await log.listCursors())[0]?.state.floor).toBe(16);
  expect(await log.showDead(99)).toBeUndefined();
});

test("dead records - listed newest first, by cursor and page", async () => {
  await giveUp(20, dead(1), dead(2, "d"), dead(3), dead(4));
  const ids = async (request: Parameters<MessageLog["listDead"]>[0]): Promise<readonly number[]> =>
    (await log.listDead(request)).map(({ id }) => id);
  expect(await ids({ limit: 2 })).toEqual([4, 3]);
  expect(await ids({ limit: 2, before: 3 })).toEqual([2, 1]);
  expect(await ids({ limit: 9, cursor: "c" })).toEqual([4, 3, 1]);
});

test("dead records - they outlive what retention removes from the log", async () => {
  await giveUp(20, dead(3));
  await log.putTopic({
    pattern: { kind: "prefix", text: "" },
    isDurable: true,
    retention: { maxAgeMs: 1, maxBytes: undefined, maxRecords: undefined },
    maxDeliver: undefined,
    timeToLiveMs: undefined,
    settingsJson: undefined,
  });
  nowMs = 99_000;
  await log.applyRetention();
  expect((await log.facts()).records).toBe(0);
  expect((await log.showDead(1))?.batch).toMatchObject({ position: 1 });
  // One that dies when its batch is gone already is kept all the same.
  await giveUp(20, dead(12));
  expect(await log.showDead(2)).toMatchObject({ dead: { position: 12 }, batch: undefined });
});

test("dead records - tried again, they are in the log anew and no longer dead, once", async () => {
  await giveUp(20, dead(3));
  const again = batchOf("replay", 1, { topicSource: "again" });
  expect(await log.replayDead(1, again)).toBe(21);
  expect(await log.replayDead(1, batchOf("replay", 2))).toBeUndefined();
  expect(await log.listDead({ limit: 9 })).toEqual([]);
  expect((await log.read(everything(21))).batches.map(textOf)).toEqual(["replay/1"]);
});

test("dead records - one whose subscription is gone, or reads the topic no more, stays", async () => {
  await giveUp(20, dead(3));
  const again = batchOf("replay", 1);
  const codeOf = async (): Promise<string> => (await rejectionOf(log.replayDead(1, again))).code;
  await log.openCursor("c", {
    patterns: [{ kind: "type", text: "humidity" }],
    start: { at: "first" },
  });
  expect(await codeOf()).toBe("NO_SUCH_SUBSCRIPTION");
  await log.removeCursor("c");
  expect(await codeOf()).toBe("NO_SUCH_SUBSCRIPTION");
  expect(await log.listDead({ limit: 9 })).toHaveLength(1);
  expect((await log.facts()).nextPosition).toBe(21);
});

test("dead records - one that cannot be tried again stays", async () => {
  await giveUp(20, dead(3));
  const error = await rejectionOf(log.replayDead(1, { ...batchOf("r", 1), checksum: 1 }));
  expect(error.code).toBe("INVALID_MESSAGE");
  expect(await log.listDead({ limit: 9 })).toHaveLength(1);
});

test("dead records - dropped, they are gone, and their batch with the last of them", async () => {
  await giveUp(20, dead(3), dead(4), dead(15));
  expect(await log.dropDead([1, 3, 77])).toBe(2);
  expect((await log.showDead(2))?.batch).toMatchObject({ position: 1 });
  expect(await log.dropDead([2])).toBe(1);
  await log.close();
  const { Database } = await import("bun:sqlite");
  const database = new Database(join(folder, "log.sqlite"));
  expect(database.query("SELECT count(*) AS n FROM dead_batches").get()).toEqual({ n: 0 });
  database.close();
  log = await openMessageLog(folder);
});

test("dead records - when they cannot be stored, the cursor stays where it was", async () => {
  const error = await rejectionOf(
    log.commit({
      cursors: [{ name: "c", state: { floor: 9, done: [], attempts: [] } }],
      dead: [{ ...dead(3), lastError: null as unknown as string }],
    }),
  );
  expect(error.code).toBe("STORE_UNUSABLE");
  expect(await log.listDead({ limit: 9 })).toEqual([]);
  expect((await log.listCursors())[0]?.state.floor).toBe(1);
});
