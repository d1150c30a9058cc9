import { beforeAll, expect, test } from "bun:test";
import type { DiskStep } from "../kit/disk-record.ts";
import { randomOf } from "../kit/random.ts";
import { loseAtMoments, recordProgram } from "./recorded-disk.ts";

const ROUNDS = 250;
const MOMENTS = 40;
const FAILING_ROUNDS = 120;

const seed = Number(process.env["AGENTRT_SEED"] ?? Math.floor(Math.random() * 1_000_000_000));

let steps: readonly DiskStep[];
let failingSteps: readonly DiskStep[];

beforeAll(async () => {
  steps = await recordProgram("recorded-appends.ts", ROUNDS);
  failingSteps = await recordProgram("failing-appends.ts", FAILING_ROUNDS, {
    RECORD_FAIL_EVERY: "13",
  });
}, 90_000);

test("power loss - what was acknowledged is there at every moment, and nothing else is invented", async () => {
  // The main file was written too, so the write-ahead log was brought into it meanwhile.
  expect(
    steps.filter((step) => step.kind === "write" && step.name === "log.sqlite").length,
  ).toBeGreaterThan(100);
  const checked = await loseAtMoments(steps, { moments: MOMENTS, seed, random: randomOf(seed) });
  expect(checked.moments).toBeGreaterThan(MOMENTS);
  expect(checked.acknowledged).toBeGreaterThan(ROUNDS);
  expect(checked.syncs).toBeGreaterThan(ROUNDS);
}, 120_000);

test("power loss - what the disk lost in a sync that failed is not taken for stored by the next one", async () => {
  const failed = failingSteps.filter(({ kind }) => kind === "failedSync").length;
  expect(failed).toBeGreaterThan(15);
  const checked = await loseAtMoments(failingSteps, {
    ...{ moments: MOMENTS / 5, seed, random: randomOf(seed) },
  });
  expect(checked.acknowledged).toBe(2 * FAILING_ROUNDS);
}, 120_000);
