import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { medianOf, quantileOf, spreadOf } from "../../bench/statistics.ts";

const someValues = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), {
  minLength: 1,
  maxLength: 50,
});

describe("bench statistics", () => {
  test("median - the middle one, or the mean of the two middle ones, in any order", () => {
    expect(medianOf([7])).toBe(7);
    expect(medianOf([30, 10, 20])).toBe(20);
    expect(medianOf([40, 10, 30, 20])).toBe(25);
  });

  test("median - values are numbers, not texts, when sorted", () => {
    expect(medianOf([9, 10, 100])).toBe(10);
  });

  test("quantile - nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantileOf(hundred, 0.5)).toBe(50);
    expect(quantileOf(hundred, 0.99)).toBe(99);
    expect(quantileOf(hundred, 1)).toBe(100);
    expect(quantileOf(hundred, 0)).toBe(1);
    expect(quantileOf([5], 0.99)).toBe(5);
  });

  test("quantile - always a measured value with enough values at or below it", () => {
    fc.assert(
      fc.property(someValues, fc.double({ noNaN: true, min: 0, max: 1 }), (values, quantile) => {
        const value = quantileOf(values, quantile);
        const atOrBelow = values.filter((other) => other <= value).length;
        return values.includes(value) && atOrBelow >= quantile * values.length;
      }),
    );
  });

  test("spread - smallest, median, largest; the input is left as it was", () => {
    const values = [3, 1, 2];
    expect(spreadOf(values)).toEqual({ median: 2, min: 1, max: 3 });
    expect(values).toEqual([3, 1, 2]);
  });

  test("no values - refused", () => {
    expect(() => medianOf([])).toThrow("no values to take a median of");
    expect(() => quantileOf([], 0.5)).toThrow("no values to take a quantile of");
  });
});
