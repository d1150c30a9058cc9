import { say } from "./command-lines.ts";

/** Which messages of an announced range have arrived; says `received` when all have. */
export class Tally {
  #first = 0;
  #seen = new Uint8Array(0);
  #distinct = 0;
  #duplicates = 0;
  #strangers = 0;
  #lastAt = 0;

  expect(first: number, count: number): void {
    this.#first = first;
    this.#seen = new Uint8Array(count);
    this.#distinct = 0;
    this.#duplicates = 0;
    this.#strangers = 0;
    this.#lastAt = 0;
  }

  add(sequence: number): void {
    const seenBefore = this.#seen[sequence - this.#first];
    if (seenBefore === undefined) {
      this.#strangers += 1;
    } else if (seenBefore === 1) {
      this.#duplicates += 1;
    } else {
      this.#seen[sequence - this.#first] = 1;
      this.#distinct += 1;
      this.#lastAt = Date.now();
      if (this.#distinct === this.#seen.length) {
        this.report("received");
      }
    }
  }

  report(event: "received" | "tally"): void {
    say({
      event,
      distinct: this.#distinct,
      duplicates: this.#duplicates,
      strangers: this.#strangers,
      lastAt: this.#lastAt,
    });
  }
}
