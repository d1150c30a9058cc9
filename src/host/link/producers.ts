import type { AgentrtError } from "../../core/errors.ts";

/** Producers that are remembered: far more than workers that are connected at a time. */
const MAX_PRODUCERS = 10_000;
/** Refusals of one producer that are kept for a worker that was away; it has no more under way than fit its window. */
const MAX_REFUSALS = 10_000;

/** Records of a durable topic that could not be stored. */
export interface Refusal {
  readonly sequence: number;
  readonly count: number;
  readonly error: AgentrtError;
}

interface Pending {
  readonly first: number;
  isSettled: boolean;
}

interface Producer {
  /** The last record that came. */
  taken: number;
  /** Batches that are on their way to disk, in order. */
  readonly pending: Pending[];
  /** Kept for a worker that was cut off before it heard. */
  refusals: Refusal[];
  /** The link that speaks for it now. */
  watcher: ProducerWatcher | undefined;
}

/** Who is told of what happens to a producer's records later than they came. */
export interface ProducerWatcher {
  onAccepted(): void;
  onRefused(refusal: Refusal): void;
}

/**
 * The number of the last record that was taken of each producer, so that what a worker sends again
 * after a broken connection is taken once. Records of durable topics, and all behind them, count as
 * accepted only when they are settled. The longest unheard are forgotten first.
 */
export class Producers {
  readonly #max: number;
  readonly #producers = new Map<string, Producer>();

  constructor(max = MAX_PRODUCERS) {
    this.#max = max;
  }

  /** 0 when nothing is known of the producer. */
  accepted(producer: string): number {
    const known = this.#producers.get(producer);
    const [first] = known?.pending ?? [];
    return first === undefined ? (known?.taken ?? 0) : first.first - 1;
  }

  /** The last record that came; 0 when nothing is known of the producer. */
  received(producer: string): number {
    return this.#producers.get(producer)?.taken ?? 0;
  }

  /** What was refused of the producer lately. */
  refusals(producer: string): readonly Refusal[] {
    return this.#producers.get(producer)?.refusals ?? [];
  }

  /** To be called when a producer connects: it counts as heard of. */
  touch(producer: string, watcher?: ProducerWatcher): void {
    const known = this.#obtain(producer);
    known.watcher = watcher;
    this.#producers.delete(producer);
    this.#producers.set(producer, known);
    for (const [oldest, { pending }] of this.#producers) {
      if (this.#producers.size <= this.#max) {
        break;
      }
      if (pending.length === 0) {
        this.#producers.delete(oldest);
      }
    }
  }

  /** The link of the watcher is over. */
  unwatch(producer: string, watcher: ProducerWatcher): void {
    const known = this.#producers.get(producer);
    if (known?.watcher === watcher) {
      known.watcher = undefined;
    }
  }

  /** Notes records up to `last`. Returns false when they were taken before. */
  accept(producer: string, last: number): boolean {
    const known = this.#obtain(producer);
    if (last <= known.taken) {
      return false;
    }
    known.taken = last;
    return true;
  }

  /**
   * Holds back what {@link accepted} says, from the record `first` on, which was just taken.
   * The returned function is to be called once when it is on disk, or with why it is not.
   */
  hold(producer: string, first: number, count: number): (error?: AgentrtError) => void {
    const known = this.#obtain(producer);
    const pending: Pending = { first, isSettled: false };
    known.pending.push(pending);
    return (error) => {
      pending.isSettled = true;
      if (error !== undefined) {
        const refusal = { sequence: first, count, error };
        known.refusals = [...known.refusals.slice(1 - MAX_REFUSALS), refusal];
        known.watcher?.onRefused(refusal);
      }
      while (known.pending[0]?.isSettled === true) {
        known.pending.shift();
      }
      known.watcher?.onAccepted();
    };
  }

  #obtain(producer: string): Producer {
    const known = this.#producers.get(producer);
    if (known !== undefined) {
      return known;
    }
    const made: Producer = { taken: 0, pending: [], refusals: [], watcher: undefined };
    this.#producers.set(producer, made);
    return made;
  }
}
