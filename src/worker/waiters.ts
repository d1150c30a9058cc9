import type { AgentrtError } from "../core/errors.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { cancelled } from "./pending-calls.ts";

interface Waiter<T> {
  readonly item: T;
  readonly done: (error?: AgentrtError) => void;
}

/** Publishers that wait for room, first come first served. */
export class Waiters<T> {
  #waiters: Waiter<T>[] = [];

  get length(): number {
    return this.#waiters.length;
  }

  /** Resolves when the item was admitted. @throws AgentrtError `CANCELLED`, and what `rejectAll` gives */
  async wait(item: T, signal: SignalLike | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#waiters = this.#waiters.filter((waiter) => waiter.item !== item);
      reject(cancelled("room in the outgoing queue", signal?.reason));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiters.push({
      item,
      done: (error) => {
        signal?.removeEventListener("abort", onAbort);
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      },
    });
    await promise;
  }

  /** Lets go of those that `admit` takes, up to the first that it does not. */
  admit(admit: (item: T) => boolean): void {
    let count = 0;
    for (const { item } of this.#waiters) {
      if (!admit(item)) {
        break;
      }
      count += 1;
    }
    if (count > 0) {
      for (const waiter of this.#waiters.splice(0, count)) {
        waiter.done();
      }
    }
  }

  rejectAll(error: () => AgentrtError): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      waiter.done(error());
    }
  }
}
