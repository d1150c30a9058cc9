import { AgentrtError } from "../core/errors.ts";
import { endsWithin } from "./ends-within.ts";

/** Lets any number through at once, or one alone while all others wait in front of it. */
export class Turnstile {
  #passing = 0;
  #onEmpty: (() => void) | undefined;
  /** While somebody holds the turnstile, or waits until it is empty. */
  #held: Promise<void> | undefined;

  /**
   * Lets in who comes; each one must `leave`. Undefined when nobody holds the turnstile, so that
   * the usual way costs no turn of the event loop; otherwise resolves when it is open again.
   */
  enter(): Promise<void> | undefined {
    if (this.#held !== undefined) {
      return this.#enterLater();
    }
    this.#passing += 1;
    return undefined;
  }

  /** As `enter`; false, and nobody came in, when somebody holds the turnstile. */
  tryEnter(): boolean {
    if (this.#held !== undefined) {
      return false;
    }
    this.#passing += 1;
    return true;
  }

  leave(): void {
    this.#passing -= 1;
    if (this.#passing === 0) {
      this.#onEmpty?.();
    }
  }

  /** Leaves when the promise has ended; gives the same. */
  async leaveAfter<T>(running: Promise<T>): Promise<T> {
    try {
      return await running;
    } finally {
      this.leave();
    }
  }

  /**
   * Runs `work` alone: after everything that is passing now, before everything that comes.
   * @throws AgentrtError `DEADLINE` when what is passing has not ended within `timeoutMs`; `work` has then not run
   */
  async hold<T>(work: () => Promise<T>, timeoutMs: number): Promise<T> {
    while (this.#held !== undefined) {
      await this.#held;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    try {
      if (this.#passing > 0 && !(await endsWithin(timeoutMs, this.#empty()))) {
        throw new AgentrtError("DEADLINE", `What runs now has not ended within ${timeoutMs} ms.`);
      }
      return await work();
    } finally {
      this.#held = undefined;
      this.#onEmpty = undefined;
      resolve();
    }
  }

  async #enterLater(): Promise<void> {
    while (this.#held !== undefined) {
      await this.#held;
    }
    this.#passing += 1;
  }

  async #empty(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    await promise;
  }
}
