/** Producers that are remembered: far more than workers that are connected at a time. */
const MAX_PRODUCERS = 10_000;

/**
 * The number of the last record that was taken of each producer, so that what a worker sends again
 * after a broken connection is taken once. The longest unheard are forgotten first.
 */
export class Producers {
  readonly #max: number;
  readonly #accepted = new Map<string, number>();

  constructor(max = MAX_PRODUCERS) {
    this.#max = max;
  }

  /** 0 when nothing is known of the producer. */
  accepted(producer: string): number {
    return this.#accepted.get(producer) ?? 0;
  }

  /** To be called when a producer connects: it counts as heard of. */
  touch(producer: string): void {
    const accepted = this.accepted(producer);
    this.#accepted.delete(producer);
    this.#accepted.set(producer, accepted);
    for (const oldest of this.#accepted.keys()) {
      if (this.#accepted.size <= this.#max) {
        break;
      }
      this.#accepted.delete(oldest);
    }
  }

  /** Notes records up to `last`. Returns false when they were taken before. */
  accept(producer: string, last: number): boolean {
    if (last <= this.accepted(producer)) {
      return false;
    }
    this.#accepted.set(producer, last);
    return true;
  }
}
