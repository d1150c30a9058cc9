/** The short form; `bun run test/soak/run.ts --minutes 10` is the long one. */
import { expect, test } from "bun:test";
import { growthOf } from "./memory.ts";
import { lostIn, missingIn, readByVictims, soak } from "./soak.ts";

const MIB = 1024 * 1024;

test("soak - after joins, leaves and kills memory is flat and every message is accounted for", async () => {
  const result = await soak(30_000);
  const { published, report, victims } = result;
  const { totals } = report;
  expect(result.kills).toBeGreaterThan(2);
  expect(result.leaves).toBeGreaterThan(2);
  expect(result.wereInOrder).toBe(true);
  expect(totals.instancesMoved).toBeGreaterThan(0);
  expect(totals.instancesMovedWithoutState).toBe(0);
  const missing = missingIn(report, result);
  expect(missing).toBeLessThanOrEqual(0);
  expect(-missing).toBeLessThanOrEqual(readByVictims(victims));
  expect(result.sharedHandled).toBe(published);
  // What waited in the host for a subscriber that was killed, and what was on the wire to it, is lost for a
  // counted reason, and nothing else is.
  expect(victims.length).toBeGreaterThan(1);
  const queued = victims.reduce((sum, victim) => sum + victim.queued, 0);
  expect(queued).toBeGreaterThan(0);
  const onTheWire = victims.reduce((sum, victim) => sum + victim.unread, 0);
  expect(Object.keys(report.deadLetters.byReason)).toEqual(["WORKER_GONE"]);
  expect(lostIn(report) + missing).toBe(queued + onTheWire);
  // Of all that came and went the host remembers nobody: recorder, sharer and two publishers are left.
  expect(report.workers).toHaveLength(4);
  expect(growthOf(result.memory).grownBytes).toBeLessThan(16 * MIB);
}, 180_000);

test("soak - growth is seen through the noise of single samples", () => {
  const sample = (index: number, residentBytes: number) => ({
    atMs: index * 500,
    published: index * 1_000,
    residentBytes,
  });
  const flat = Array.from({ length: 60 }, (_, index) =>
    sample(index, (index < 10 ? 60 : 95) * MIB + ((index * 7) % 11) * MIB),
  );
  expect(Math.abs(growthOf(flat).grownBytes)).toBeLessThan(2 * MIB);
  // A kibibyte of each message is kept.
  const leaking = flat.map((one) => ({
    ...one,
    residentBytes: one.residentBytes + one.published * 1_024,
  }));
  expect(growthOf(leaking).grownBytes).toBeGreaterThan(17 * MIB);
  expect(growthOf(leaking).messages).toBe(20_000);
});
