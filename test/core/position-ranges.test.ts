import { expect, test } from "bun:test";
import fc from "fast-check";
import { PositionRanges } from "../../src/core/position-ranges.ts";

const step = fc.record({
  kind: fc.constantFrom("add", "remove"),
  first: fc.integer({ min: 0, max: 60 }),
  length: fc.integer({ min: -1, max: 20 }),
});

test("position ranges - they hold what a plain set would hold, in the fewest ranges", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ranges = new PositionRanges();
      const model = new Set<number>();
      for (const { kind, first, length } of steps) {
        const last = first + length - 1;
        for (let position = first; position <= last; position += 1) {
          if (kind === "add") {
            model.add(position);
          } else {
            model.delete(position);
          }
        }
        if (kind === "add") {
          ranges.add(first, last);
        } else {
          ranges.remove(first, last);
        }
        expect(ranges.size).toBe(model.size);
        expect(ranges.isEmpty).toBe(model.size === 0);
      }
      const all = Array.from({ length: 90 }, (_, position) => position);
      expect(all.filter((position) => ranges.has(position))).toEqual(
        all.filter((position) => model.has(position)),
      );
      const positionsOf = (parts: readonly (readonly [number, number])[]): readonly number[] =>
        parts.flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
      expect(positionsOf(ranges.ranges)).toEqual(all.filter((position) => model.has(position)));
      expect(positionsOf(ranges.within(10, 40))).toEqual(
        all.filter((position) => model.has(position) && position >= 10 && position <= 40),
      );
      expect(new PositionRanges(ranges.ranges).extract(10, 40)).toEqual(
        all.filter((position) => model.has(position) && position >= 10 && position <= 40),
      );
      expect(positionsOf(ranges.missingIn(10, 40))).toEqual(
        all.filter((position) => !model.has(position) && position >= 10 && position <= 40),
      );
      for (const [index, [first]] of ranges.ranges.entries()) {
        expect(first).toBeGreaterThan((ranges.ranges[index - 1]?.[1] ?? -2) + 1);
      }
    }),
    { numRuns: 500 },
  );
});
