/** The short form; `bun run test/soak/run.ts --minutes 10` is the long one. */
import { expect, test } from "bun:test";
import { lostIn, soak } from "./soak.ts";

const MIB = 1024 * 1024;

test("soak - after joins, leaves and kills memory is flat and every message is accounted for", async () => {
  const result = await soak(30_000);
  const { published, report, residentBytes } = result;
  const { totals } = report;
  expect(result.kills).toBeGreaterThan(2);
  expect(result.leaves).toBeGreaterThan(2);
  expect(result.wereInOrder).toBe(true);
  expect(totals.instancesMoved).toBeGreaterThan(0);
  expect(totals.instancesMovedWithoutState).toBe(0);
  const { recorded, sharedHandled, sharedReplayed } = result;
  expect(totals.eventsDelivered).toBe(recorded + sharedHandled + sharedReplayed + lostIn(report));
  expect(sharedHandled).toBe(published);
  expect(residentBytes.warm).toBeGreaterThan(0);
  expect(residentBytes.end).toBeLessThan(residentBytes.warm * 1.3 + 32 * MIB);
}, 120_000);
