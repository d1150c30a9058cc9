import type { PositionRange } from "./cursor-state.ts";

/**
 * A set of positions as ranges: positions that come in order cost one range, however many they are.
 * All bounds are included.
 */
export class PositionRanges {
  /** Ascending, apart from each other by one position at least. */
  readonly #ranges: [first: number, last: number][] = [];
  #size = 0;

  constructor(ranges: readonly PositionRange[] = []) {
    for (const [first, last] of ranges) {
      this.add(first, last);
    }
  }

  /** How many positions. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  get ranges(): readonly PositionRange[] {
    return this.#ranges;
  }

  has(position: number): boolean {
    const range = this.#ranges[this.#indexOf(position)];
    return range !== undefined && range[0] <= position;
  }

  add(first: number, last: number): void {
    if (last < first) {
      return;
    }
    // From the range that touches on the left to the one that touches on the right.
    const from = this.#indexOf(first - 1);
    let [low, high] = [first, last];
    let until = from;
    for (let range = this.#ranges[until]; range !== undefined && range[0] <= last + 1; ) {
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
      this.#size -= range[1] - range[0] + 1;
      until += 1;
      range = this.#ranges[until];
    }
    this.#ranges.splice(from, until - from, [low, high]);
    this.#size += high - low + 1;
  }

  remove(first: number, last: number): void {
    if (last < first) {
      return;
    }
    const from = this.#indexOf(first);
    const kept: [number, number][] = [];
    let until = from;
    for (let range = this.#ranges[until]; range !== undefined && range[0] <= last; ) {
      this.#size -= Math.min(range[1], last) - Math.max(range[0], first) + 1;
      if (range[0] < first) {
        kept.push([range[0], first - 1]);
      }
      if (range[1] > last) {
        kept.push([last + 1, range[1]]);
      }
      until += 1;
      range = this.#ranges[until];
    }
    if (until > from) {
      this.#ranges.splice(from, until - from, ...kept);
    }
  }

  /** Removes a range and gives, one by one, what of it was in the set. */
  extract(first: number, last: number): number[] {
    const positions: number[] = [];
    for (const [from, until] of this.within(first, last)) {
      for (let position = from; position <= until; position += 1) {
        positions.push(position);
      }
    }
    this.remove(first, last);
    return positions;
  }

  /** The parts of a range that are in the set. */
  within(first: number, last: number): PositionRange[] {
    const parts: PositionRange[] = [];
    for (let index = this.#indexOf(first); ; index += 1) {
      const range = this.#ranges[index];
      if (range === undefined || range[0] > last) {
        return parts;
      }
      parts.push([Math.max(range[0], first), Math.min(range[1], last)]);
    }
  }

  /** The parts of a range that are not in the set. */
  missingIn(first: number, last: number): PositionRange[] {
    const parts: PositionRange[] = [];
    let from = first;
    for (const [low, high] of this.within(first, last)) {
      if (low > from) {
        parts.push([from, low - 1]);
      }
      from = high + 1;
    }
    if (from <= last) {
      parts.push([from, last]);
    }
    return parts;
  }

  /** The first range that ends at a position or later: its index, or the number of ranges. */
  #indexOf(position: number): number {
    const last = this.#ranges.at(-1);
    // Most questions are about the end.
    if (last === undefined || last[1] < position) {
      return this.#ranges.length;
    }
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.[1] ?? Number.POSITIVE_INFINITY) < position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
