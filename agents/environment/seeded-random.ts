/** Numbers from 0 (included) to 1 (excluded), the same sequence for the same seed. */
export type Random = () => number;

/**
 * Mulberry32 by Tommy Ettinger (public domain): 32 bits of state, passes gjrand's tests.
 * Enough for a simulated room; not for anything secret.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed that differs from room to room, so that two rooms with one `--seed` do not move alike. */
export function seedFor(seed: number, name: string): number {
  // FNV-1a, 32 bits (draft-eastlake-fnv).
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash ^ seed) >>> 0;
}

/** Standard normal numbers by the Box-Muller transform. */
export function normal(random: Random): number {
  // 1 - random() is never 0, so the logarithm is finite.
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
