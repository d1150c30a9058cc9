import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { ALL, batchOf, everything, textOf } from "./log-batches.ts";

let folder: string;
let log: MessageLog;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-care-"));
  log = await openMessageLog(join(folder, "data"));
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

async function fill(batches: number, bytes: number): Promise<void> {
  const { nextPosition } = await log.facts();
  await log.append(
    Array.from({ length: batches }, (_, index) => batchOf("p", nextPosition + index, { bytes })),
  );
}

test("check - a sound log is said to be sound", async () => {
  await fill(700, 100);
  expect(await log.check()).toEqual({
    structure: [],
    isMended: false,
    batches: 700,
    records: 700,
    damaged: [],
    isSound: true,
  });
});

test("backup - a copy made while appends go on has all that was there, and opens as a log", async () => {
  await fill(3_000, 100);
  await log.openCursor("c", { patterns: ALL, start: { at: "position", position: 99 } });
  await log.append([batchOf("late", 1, { deliverAtMs: Date.now() + 1_000_000 })]);
  const target = join(folder, "copy", "inner");
  let during = 0;
  const backup = log.backup(target);
  let isDone = false;
  const appending = (async () => {
    while (!isDone) {
      await log.append([batchOf("during", during + 1)]);
      during += 1;
    }
  })();
  const { bytes } = await backup;
  isDone = true;
  await appending;
  expect(readdirSync(target)).toEqual(["log.sqlite"]);
  expect(bytes).toBe(statSync(join(target, "log.sqlite")).size);
  await using copy = await openMessageLog(target);
  const { batches } = await copy.read(everything());
  expect(batches.slice(0, 3_000)).toEqual((await log.read(everything())).batches.slice(0, 3_000));
  // Of what was appended meanwhile, the beginning.
  expect(batches.slice(3_000).map(textOf)).toEqual(
    Array.from({ length: batches.length - 3_000 }, (_, index) => `during/${index + 1}`),
  );
  expect(await copy.listCursors()).toEqual(await log.listCursors());
  expect((await copy.moveDue(Number.MAX_SAFE_INTEGER)).positions).toHaveLength(1);
  expect(await copy.append([batchOf("p", 1)])).toMatchObject([{ isDuplicate: true }]);
  expect(await copy.check()).toMatchObject({ isSound: true });
});

test("backup - a log that is there is not overwritten", async () => {
  await fill(1, 100);
  await log.backup(join(folder, "copy"));
  const error = await rejectionOf(log.backup(join(folder, "copy")));
  expect(error.code).toBe("FILE_EXISTS");
  expect((await rejectionOf(log.backup(join(folder, "data")))).code).toBe("FILE_EXISTS");
});

test("backup - where it cannot be written, it says so, and the log goes on", async () => {
  await fill(1, 100);
  const error = await rejectionOf(log.backup(join(folder, "data", "log.sqlite", "below")));
  expect(error.code).toBe("STORE_UNUSABLE");
  await fill(1, 100);
});

test("compact - room that retention freed goes back to the disk", async () => {
  await fill(2_000, 4_000);
  await log.putTopic({
    pattern: { kind: "prefix", text: "" },
    isDurable: true,
    retention: { maxAgeMs: undefined, maxBytes: undefined, maxRecords: 10 },
    maxDeliver: undefined,
    timeToLiveMs: undefined,
    settingsJson: undefined,
  });
  await log.applyRetention();
  const { bytesBefore, bytesAfter } = await log.compact();
  expect(bytesBefore).toBeGreaterThan(8_000_000);
  expect(bytesAfter).toBeLessThan(1_000_000);
  expect((await log.facts()).bytesOnDisk).toBe(bytesAfter);
  expect((await log.read(everything())).batches).toHaveLength(10);
  expect(await log.check()).toMatchObject({ isSound: true, batches: 10 });
});

test("compact - routes that nothing names are forgotten, the others stay", async () => {
  await log.append(
    Array.from({ length: 50 }, (_, index) =>
      batchOf("p", index + 1, { topicSource: `source-${index}` }),
    ),
  );
  await log.putTopic({
    pattern: { kind: "prefix", text: "" },
    isDurable: true,
    retention: { maxAgeMs: undefined, maxBytes: undefined, maxRecords: 2 },
    maxDeliver: undefined,
    timeToLiveMs: undefined,
    settingsJson: undefined,
  });
  await log.applyRetention();
  await log.compact();
  await log.append([batchOf("p", 51, { topicSource: "source-1" })]);
  expect((await log.read(everything())).batches.map(({ topicSource }) => topicSource)).toEqual([
    "source-48",
    "source-49",
    "source-1",
  ]);
});

test("care - closing the log ends what takes long, and breaks nothing", async () => {
  await fill(5_000, 500);
  const work = [log.check(), log.backup(join(folder, "copy")), log.compact()].map(rejectionOf);
  await log.close();
  expect((await Promise.all(work)).map(({ code }) => code)).toEqual(
    Array.from({ length: 3 }, () => "RUNTIME_STATE"),
  );
  log = await openMessageLog(join(folder, "data"));
  expect(await log.check()).toMatchObject({ isSound: true, batches: 5_000 });
});
