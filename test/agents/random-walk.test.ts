import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  HUMIDITY_RANGE,
  SimulatedClimate,
  TEMPERATURE_RANGE,
} from "../../agents/environment/climate.ts";
import { RandomWalk } from "../../agents/environment/random-walk.ts";
import { seededRandom, seedFor } from "../../agents/environment/seeded-random.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function readings(seed: number, count: number) {
  const climate = new SimulatedClimate(seed);
  return Array.from({ length: count }, () => climate.next());
}

describe("environment", () => {
  test("climate - every reading is in its range, has one decimal, and is near the one before", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        let before: { temperature: number; humidity: number } | undefined;
        for (const now of readings(seed, 500)) {
          for (const [quantity, range] of [
            ["temperature", TEMPERATURE_RANGE],
            ["humidity", HUMIDITY_RANGE],
          ] as const) {
            const value = now[quantity];
            expect(value).toBeGreaterThanOrEqual(range.low);
            expect(value).toBeLessThanOrEqual(range.high);
            expect(Number(value.toFixed(1))).toBe(value);
            if (before !== undefined) {
              // Rounding may add one decimal step to the largest step of the walk.
              expect(Math.abs(value - before[quantity])).toBeLessThanOrEqual(range.maxStep + 0.101);
            }
          }
          before = now;
        }
      }),
      { numRuns: 50 },
    );
  });

  test("climate - the same seed gives the same readings, another seed others", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(readings(seed, 50)).toEqual(readings(seed, 50));
        expect(readings(seed, 50)).not.toEqual(readings((seed + 1) >>> 0, 50));
      }),
    );
  });

  test("climate - two rooms under one seed do not move alike", () => {
    expect(readings(seedFor(1, "kitchen"), 20)).not.toEqual(readings(seedFor(1, "bedroom"), 20));
  });

  test("climate - a day of readings crosses both limits of the air conditioner and is no white noise", () => {
    const values = readings(7, 17_280).map((reading) => reading.temperature);
    expect(values.filter((value) => value > 28).length).toBeGreaterThan(500);
    expect(values.filter((value) => value < 24).length).toBeGreaterThan(500);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    let spread = 0;
    let alike = 0;
    for (const [index, value] of values.entries()) {
      spread += (value - mean) ** 2;
      alike += (value - mean) * ((values[index + 1] ?? mean) - mean);
    }
    // White noise would have a correlation of neighbours near 0.
    expect(alike / spread).toBeGreaterThan(0.95);
  });

  test("walk - the walls and the largest step hold for any push", () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 0, max: 100, noNaN: true }), (seed, push) => {
        const walk = new RandomWalk({ low: -1, high: 1, push, maxStep: 0.5 }, seededRandom(seed));
        let before = walk.value;
        for (let step = 0; step < 100; step += 1) {
          const value = walk.step();
          expect(Math.abs(value)).toBeLessThanOrEqual(1);
          expect(Math.abs(value - before)).toBeLessThanOrEqual(0.5 + 1e-9);
          before = value;
        }
      }),
    );
  });

  test("seeded random - numbers are from 0 to below 1, and the first three of seed 0 stay what they are", () => {
    const random = seededRandom(0);
    const first = [random(), random(), random()];
    expect(first).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
  });
});
