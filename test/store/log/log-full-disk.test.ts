import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { batchOf, everything, textOf } from "./log-batches.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-full-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("full disk - appends fail clearly and whole, reads go on, and with room it goes on by itself", async () => {
  await using log = await openMessageLog(folder, { maxFileBytes: 1_048_576 });
  await log.putTopic({
    pattern: { kind: "prefix", text: "" },
    isDurable: true,
    retention: { maxAgeMs: undefined, maxBytes: 200_000, maxRecords: undefined },
    maxDeliver: undefined,
    timeToLiveMs: undefined,
    settingsJson: undefined,
  });
  const stored: string[] = [];
  let failures = 0;
  for (let sequence = 1; failures < 5; sequence += 1) {
    const batches = [1, 2, 3].map((part) => batchOf("p", sequence * 3 + part, { bytes: 10_000 }));
    try {
      await log.append(batches);
      stored.push(...batches.map(textOf));
    } catch (error) {
      failures += 1;
      expect(error).toMatchObject({
        code: "STORE_FULL",
        message: `The message log in ${folder} has no room left, so nothing of this was stored. Free some space; it goes on by itself, and nothing stored is lost.`,
        retry: "after",
      });
    }
  }
  expect(stored.length).toBeGreaterThan(50);
  expect((await log.read(everything())).batches.map(textOf)).toEqual(stored);
  // Many that fail at once.
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => log.append([batchOf("q", index, { bytes: 30_000 })])),
  );
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect((await log.facts()).nextPosition).toBe(stored.length + 1);
  await log.applyRetention();
  expect(await log.append([batchOf("q", 1, { bytes: 30_000 })])).toEqual([
    { position: stored.length + 1, isDuplicate: false },
  ]);
  expect(await log.check()).toMatchObject({ isSound: true });
});

test("full disk - a cursor's state that cannot be stored leaves the old one, and dead records with it", async () => {
  await using log = await openMessageLog(folder, { maxFileBytes: 524_288 });
  const patterns = [{ kind: "prefix", text: "" }] as const;
  await log.openCursor("c", { patterns, start: { at: "first" } });
  const big = batchOf("p", 1, { bytes: 200_000 });
  await log.append([big]);
  // The copy of the batch has no room.
  await log.append([batchOf("p", 2, { bytes: 100_000 })]);
  const error = await rejectionOf(
    log.commit({
      cursors: [{ name: "c", state: { floor: 2, done: [], attempts: [] } }],
      dead: [{ cursor: "c", position: 1, reason: "EXPIRED", lastError: "", attempts: 0 }],
    }),
  );
  expect(error.code).toBe("STORE_FULL");
  expect((await log.listCursors())[0]?.state.floor).toBe(1);
  expect(await log.listDead({ limit: 9 })).toEqual([]);
});

test("full disk - a batch that comes again is recognised, so that it is not refused and delivered all the same", async () => {
  const stored: number[] = [];
  {
    await using log = await openMessageLog(folder, { maxFileBytes: 524_288 });
    for (let sequence = 1; stored.length === sequence - 1; sequence += 1) {
      await log.append([batchOf("p", sequence, { bytes: 30_000 })]).then(
        () => stored.push(sequence),
        () => undefined,
      );
    }
  }
  // As after a kill of the host: its publishers send again what was not acknowledged, with what is new.
  await using log = await openMessageLog(folder, { maxFileBytes: 524_288 });
  const known = stored.map((sequence) => log.append([batchOf("p", sequence, { bytes: 30_000 })]));
  const fresh = log.append([batchOf("new", 1, { bytes: 30_000 })]);
  const mixed = log.append([
    batchOf("p", 1, { bytes: 30_000 }),
    batchOf("new", 2, { bytes: 30_000 }),
  ]);
  const [one, other] = await Promise.all([rejectionOf(fresh), rejectionOf(mixed)]);
  expect([one.code, other.code]).toEqual(["STORE_FULL", "STORE_FULL"]);
  expect((await Promise.all(known)).flat()).toEqual(
    stored.map((position) => ({ position, isDuplicate: true })),
  );
});
