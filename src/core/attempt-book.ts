import type { RecordAttempts } from "./cursor-state.ts";

/** The records of a cursor that failed and are not done, whether they are with the receiver again or not. */
export class AttemptBook {
  readonly #attempts: Map<number, RecordAttempts>;

  constructor(attempts: readonly RecordAttempts[]) {
    this.#attempts = new Map(attempts.map((one) => [one.position, one]));
  }

  get isEmpty(): boolean {
    return this.#attempts.size === 0;
  }

  has(position: number): boolean {
    return this.#attempts.has(position);
  }

  /** Zeros for one that never failed. */
  of(position: number): RecordAttempts {
    return (
      this.#attempts.get(position) ?? {
        position,
        attempts: 0,
        losses: 0,
        nextAtMs: 0,
        lastError: "",
      }
    );
  }

  put(attempts: RecordAttempts): void {
    this.#attempts.set(attempts.position, attempts);
  }

  drop(first: number, last: number): void {
    if (last - first < this.#attempts.size) {
      for (let position = first; position <= last; position += 1) {
        this.#attempts.delete(position);
      }
      return;
    }
    for (const position of [...this.#attempts.keys()]) {
      if (position >= first && position <= last) {
        this.#attempts.delete(position);
      }
    }
  }

  /** The first position after one that failed before, or the one after `until`. */
  firstAfter(position: number, until: number): number {
    let next = this.isEmpty ? until + 1 : position + 1;
    while (next <= until && !this.#attempts.has(next)) {
      next += 1;
    }
    return next;
  }

  /** Ascending. */
  list(): RecordAttempts[] {
    return Array.from(this.#attempts.values()).sort((a, b) => a.position - b.position);
  }

  /** Positions whose backoff is over, ascending. */
  due(nowMs: number): readonly number[] {
    if (this.isEmpty) {
      return [];
    }
    return this.list()
      .filter(({ nextAtMs }) => nextAtMs <= nowMs)
      .map(({ position }) => position);
  }

  /** When the next backoff ends of those that count. */
  nextAtMs(counts: (position: number) => boolean): number | undefined {
    let next: number | undefined;
    for (const { position, nextAtMs } of this.#attempts.values()) {
      if (counts(position)) {
        next = next === undefined ? nextAtMs : Math.min(next, nextAtMs);
      }
    }
    return next;
  }
}
