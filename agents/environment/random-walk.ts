import { normal, type Random } from "./seeded-random.ts";

export interface WalkRange {
  readonly low: number;
  readonly high: number;
  /** Standard deviation of the push that each step gives to the drift. */
  readonly push: number;
  /** Largest change from one step to the next. */
  readonly maxStep: number;
}

/** How much of the drift lasts to the next step: near 1 is smooth, 0 is white noise's jagged sum. */
const DRIFT_KEPT = 0.85;
/** How strongly the middle of the range pulls, as a part of the distance to it. */
const PULL = 0.004;

/**
 * A value that moves as the climate of a room does: it drifts, the drift changes slowly,
 * the middle of the range pulls gently, and the walls turn it back.
 * It never leaves `low` to `high`, and never moves by more than `maxStep`.
 */
export class RandomWalk {
  readonly #range: WalkRange;
  readonly #random: Random;
  #value: number;
  #drift = 0;

  constructor(range: WalkRange, random: Random) {
    this.#range = range;
    this.#random = random;
    const { low, high } = range;
    // The middle half, so that a fresh room is neither hot nor dry at once.
    this.#value = low + (high - low) * (0.25 + 0.5 * random());
  }

  get value(): number {
    return this.#value;
  }

  /** Moves one step and gives the new value. */
  step(): number {
    const { low, high, push, maxStep } = this.#range;
    const pull = ((low + high) / 2 - this.#value) * PULL;
    const drift = this.#drift * DRIFT_KEPT + normal(this.#random) * push + pull;
    this.#drift = clamp(drift, -maxStep, maxStep);
    const next = this.#value + this.#drift;
    if (next < low || next > high) {
      this.#drift = 0;
    }
    this.#value = clamp(next, low, high);
    return this.#value;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
