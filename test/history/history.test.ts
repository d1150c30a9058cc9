/** The short form; `bun run test/history/run.ts --seed 7 --minutes 60` is the long one. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accountOf } from "./account.ts";
import { UNDAMAGING } from "./nemesis.ts";
import { type RunResult, runHistory } from "./run-history.ts";

const DURATION_MS = 40_000;

let folder: string;
let seed: number;
let result: RunResult;
const told: string[] = [];

beforeAll(async () => {
  seed = Number(process.env["AGENTRT_SEED"] ?? Math.floor(Math.random() * 1_000_000_000));
  folder = mkdtempSync(join(tmpdir(), `agentrt-history-${seed}-`));
  const tell = (line: string): unknown => told.push(line);
  result = await runHistory({ seed, folder, faults: UNDAMAGING, durationMs: DURATION_MS, tell });
}, 180_000);

afterAll(() => {
  if (result?.violations.length === 0) {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("history - through random faults every promise is kept", () => {
  const { violations } = result;
  // When one is broken, this says how to see it again, and where to look.
  const again = `bun run test/history/run.ts --seed ${seed} --minutes ${DURATION_MS / 60_000}`;
  const shown = violations.slice(0, 20).map(({ invariant, text }) => `${invariant}: ${text}`);
  expect({ again, folder, told, violations: shown }).toEqual({
    ...{ again, folder, told, violations: [] },
  });
});

test("history - enough happened for that to mean something", () => {
  const account = accountOf(result.events);
  const count = (label: string): number => account[label] ?? 0;
  expect(count("published durable")).toBeGreaterThan(500);
  expect(count("published plain")).toBeGreaterThan(500);
  expect(count("handled by listener")).toBeGreaterThan(200);
  expect(count("called: ok")).toBeGreaterThan(50);
  expect(count("called: DEADLINE")).toBeGreaterThan(0);
  expect(count("process killed")).toBeGreaterThan(1);
});
