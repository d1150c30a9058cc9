import { epochMs } from "./clock.ts";
import { say } from "./command-lines.ts";

/** Which messages of an announced range one subscriber has got. */
export class Tally {
  readonly #onComplete: () => void;
  #first = 0;
  #seen = new Uint8Array(0);
  distinct = 0;
  duplicates = 0;
  strangers = 0;

  constructor(onComplete: () => void) {
    this.#onComplete = onComplete;
  }

  expect(first: number, count: number): void {
    this.#first = first;
    this.#seen = new Uint8Array(count);
    this.distinct = 0;
    this.duplicates = 0;
    this.strangers = 0;
  }

  add(sequence: number): void {
    const seenBefore = this.#seen[sequence - this.#first];
    if (seenBefore === undefined) {
      this.strangers += 1;
    } else if (seenBefore === 1) {
      this.duplicates += 1;
    } else {
      this.#seen[sequence - this.#first] = 1;
      this.distinct += 1;
      if (this.distinct === this.#seen.length) {
        this.#onComplete();
      }
    }
  }
}

/** The tallies of all subscribers in one process; says `received` when each has everything. */
export class Tallies {
  readonly all: readonly Tally[];
  #missing = 0;

  constructor(subscribers: number) {
    this.all = Array.from({ length: subscribers }, () => new Tally(() => this.#oneComplete()));
  }

  expect(first: number, count: number): void {
    this.#missing = this.all.length;
    for (const tally of this.all) {
      tally.expect(first, count);
    }
  }

  report(event: "received" | "tally"): void {
    const total = (pick: (tally: Tally) => number): number =>
      this.all.reduce((sum, tally) => sum + pick(tally), 0);
    say({
      event,
      distinct: total((tally) => tally.distinct),
      duplicates: total((tally) => tally.duplicates),
      strangers: total((tally) => tally.strangers),
      lastAt: epochMs(),
    });
  }

  #oneComplete(): void {
    this.#missing -= 1;
    if (this.#missing === 0) {
      this.report("received");
    }
  }
}
