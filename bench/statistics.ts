/** Median, smallest and largest of a few values. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when there are no values */
export function spreadOf(values: readonly number[]): Spread {
  return { median: medianOf(values), min: quantileOf(values, 0), max: quantileOf(values, 1) };
}

/** The middle value, or the mean of the two middle ones. @throws RangeError when there are no values */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) {
    throw new RangeError("no values to take a median of");
  }
  return (lower + upper) / 2;
}

/**
 * The smallest value that at least `quantile` of all values do not exceed (nearest rank),
 * so always a value that was measured. `quantile` is between 0 and 1.
 * @throws RangeError when there are no values
 */
export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)];
  if (value === undefined) {
    throw new RangeError("no values to take a quantile of");
  }
  return value;
}
