import type { DeadLetter } from "../core/dead-letter.ts";
import type { DeadLetterStore } from "../core/state-store.ts";

const STORE_EVERY_MS = 1_000;
/** Letters that wait for the store at the most; of more than these only the newest are stored. */
const MAX_WAITING = 1_000;

/**
 * Keeps storing off the path of messages: letters are stored together, once a second at the most, so
 * that a flood of them costs the disk no more than a few.
 */
export class DeadLetterBuffer {
  readonly #store: DeadLetterStore;
  readonly #onFailure: (error: unknown) => void;
  #waiting: DeadLetter[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onFailure called when the store throws; the letters are then lost */
  constructor(store: DeadLetterStore, onFailure: (error: unknown) => void) {
    this.#store = store;
    this.#onFailure = onFailure;
  }

  add(letter: DeadLetter): void {
    this.#waiting.push(letter);
    if (this.#waiting.length > MAX_WAITING * 2) {
      this.#waiting = this.#waiting.slice(-MAX_WAITING);
    }
    this.#timer ??= setTimeout(() => this.flush(), STORE_EVERY_MS);
  }

  /** Stores what waits. Called by itself; to be called at the end. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const letters = this.#waiting;
    this.#waiting = [];
    if (letters.length === 0) {
      return;
    }
    try {
      this.#store.addDeadLetters(letters);
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
