import { RandomWalk } from "./random-walk.ts";
import { seededRandom } from "./seeded-random.ts";

/** Bounds of what an environment agent publishes: degrees Celsius and percent of relative humidity. */
export const TEMPERATURE_RANGE = Object.freeze({ low: 20, high: 30, push: 0.09, maxStep: 1 });
export const HUMIDITY_RANGE = Object.freeze({ low: 30, high: 70, push: 0.36, maxStep: 4 });

export interface Climate {
  readonly temperature: number;
  readonly humidity: number;
}

/** The climate of one simulated room: the same seed gives the same readings. */
export class SimulatedClimate {
  readonly #temperature: RandomWalk;
  readonly #humidity: RandomWalk;

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.#temperature = new RandomWalk(TEMPERATURE_RANGE, random);
    this.#humidity = new RandomWalk(HUMIDITY_RANGE, random);
  }

  /** The next reading, both values with one decimal. */
  next(): Climate {
    return {
      temperature: toOneDecimal(this.#temperature.step()),
      humidity: toOneDecimal(this.#humidity.step()),
    };
  }
}

function toOneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}
