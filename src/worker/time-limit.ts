import { type Delivery, timedOut } from "./delivery.ts";

/** The time that a handler has, if it does not end at once: no other code runs until then. */
export class TimeLimit {
  readonly #delivery: Delivery;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  readonly #onAbort = (): void => this.#controller.abort(this.#delivery.signal.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(delivery: Delivery, timeoutMs: number) {
    this.#delivery = delivery;
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What the work gives; rejects when the time is over first, and aborts the signal then. */
  async race<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#delivery;
    if (signal.aborted) {
      this.#onAbort();
    } else {
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    const { promise, reject } = Promise.withResolvers<never>();
    this.#timer = setTimeout(() => {
      const error = timedOut(this.#delivery.slot.id, this.#timeoutMs);
      this.#isOver = true;
      reject(error);
      this.#controller.abort(error);
    }, this.#timeoutMs);
    return await Promise.race([work, promise]);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#delivery.signal.removeEventListener("abort", this.#onAbort);
  }
}
