import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CursorState } from "../../../src/core/cursor-state.ts";
import type { CursorStart, MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { batchOf } from "./log-batches.ts";

const patterns = [{ kind: "type", text: "temperature" }] as const;
const STATE: CursorState = {
  floor: 7,
  done: [
    [9, 9],
    [12, 40],
  ],
  attempts: [
    { position: 8, attempts: 2, losses: 1, nextAtMs: 5_000, lastError: 'HANDLER_FAILED: "no"\n' },
  ],
};

let folder: string;
let log: MessageLog;
let nowMs = 1_000;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-cursors-"));
  log = await openMessageLog(folder, { now: () => nowMs });
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

test.each([
  [{ at: "first" }, 1],
  [{ at: "next" }, 7],
  [{ at: "position", position: 4 }, 4],
  [{ at: "position", position: -4 }, 1],
  [{ at: "time", timeMs: 1_500 }, 4],
] satisfies [CursorStart, number][])(
  "cursors - one that starts at %j has floor %d",
  async (start, floor) => {
    nowMs = 1_000;
    await log.append([batchOf("p", 1, { count: 3 })]);
    nowMs = 2_000;
    await log.append([batchOf("p", 4, { count: 3 })]);
    expect(await log.openCursor("c", { patterns, start })).toEqual({
      name: "c",
      patterns,
      state: { floor, done: [], attempts: [] },
      wasDamaged: false,
    });
  },
);

test("cursors - what was committed is there when the log is opened again", async () => {
  await log.openCursor("c", { patterns, start: { at: "first" } });
  await log.openCursor("d", { patterns, start: { at: "next" } });
  await log.commit({ cursors: [{ name: "c", state: STATE }] });
  await log.close();
  log = await openMessageLog(folder);
  const again = await log.openCursor("c", { patterns, start: { at: "next" } });
  expect(again).toEqual({ name: "c", patterns, state: STATE, wasDamaged: false });
  expect((await log.listCursors()).map(({ name, state }) => [name, state.floor])).toEqual([
    ["c", 7],
    ["d", 1],
  ]);
});

test("cursors - other patterns replace those of then, and the state stays", async () => {
  await log.openCursor("c", { patterns, start: { at: "first" } });
  await log.commit({ cursors: [{ name: "c", state: STATE }] });
  const others = [{ kind: "prefix", text: "temp" }] as const;
  await log.openCursor("c", { patterns: others, start: { at: "next" } });
  expect(await log.listCursors()).toEqual([
    { name: "c", patterns: others, state: STATE, wasDamaged: false },
  ]);
});

test("cursors - one that was removed is gone, and a late commit does not bring it back", async () => {
  await log.openCursor("c", { patterns, start: { at: "first" } });
  expect(await log.removeCursor("c")).toBe(true);
  expect(await log.removeCursor("c")).toBe(false);
  await log.commit({ cursors: [{ name: "c", state: STATE }] });
  expect(await log.listCursors()).toEqual([]);
});
