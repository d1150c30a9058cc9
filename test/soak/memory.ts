/** What a process holds in memory over time, and whether that grows. */
export interface MemorySample {
  readonly atMs: number;
  /** Messages that had been published by then. */
  readonly published: number;
  readonly residentBytes: number;
}

export interface Growth {
  /** The middle of the samples from the second third of the time: everything is loaded and compiled. */
  readonly settledBytes: number;
  /** The middle of those from the last third. */
  readonly endBytes: number;
  readonly grownBytes: number;
  /** Published between the middles of the two. */
  readonly messages: number;
}

/** Compares thirds rather than two moments, because one sample may fall just before a collection. */
export function growthOf(samples: readonly MemorySample[]): Growth {
  const third = Math.floor(samples.length / 3);
  const [settled, end] = [samples.slice(third, 2 * third), samples.slice(-third)];
  const [settledBytes, endBytes] = [settled, end].map((some) =>
    middleOf(some.map(({ residentBytes }) => residentBytes)),
  ) as [number, number];
  const [from, to] = [settled, end].map((some) =>
    middleOf(some.map(({ published }) => published)),
  ) as [number, number];
  return { settledBytes, endBytes, grownBytes: endBytes - settledBytes, messages: to - from };
}

function middleOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
