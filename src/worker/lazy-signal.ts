/** The part of an `AbortSignal` that the runtimes use themselves. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * Says that nobody waits for a call any more. An `AbortSignal` is made of it only when somebody asks
 * for one, because it costs as much as all the rest of a call, and most calls end without.
 */
export class LazySignal implements SignalLike {
  #isAborted = false;
  #reason: unknown;
  #listeners: (() => void)[] | undefined;
  #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;

  get aborted(): boolean {
    return this.#isAborted || this.#outer?.aborted === true;
  }

  /** False while only the other signal is aborted; see {@link within}. */
  get isGivenUp(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#isAborted ? this.#reason : this.#outer?.reason;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#make();
    return this.#signal;
  }

  /** From now on it is aborted with the other signal, too. */
  within(outer: AbortSignal): this {
    this.#outer = outer;
    return this;
  }

  abort(reason: unknown): void {
    if (this.#isAborted) {
      return;
    }
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) {
      listener();
    }
  }

  /** Each listener is called once. */
  addEventListener(type: "abort", listener: () => void): void {
    if (this.#outer === undefined) {
      this.#listeners ??= [];
      this.#listeners.push(listener);
    } else {
      this.signal.addEventListener(type, listener, { once: true });
    }
  }

  removeEventListener(type: "abort", listener: () => void): void {
    this.#listeners = this.#listeners?.filter((other) => other !== listener);
    this.#signal?.removeEventListener(type, listener);
  }

  #make(): AbortSignal {
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    if (this.#isAborted) {
      this.#controller.abort(this.#reason);
    }
    return this.#outer === undefined ? signal : AbortSignal.any([this.#outer, signal]);
  }
}

/** What is aborted with either of both. */
export function eitherOf(outer: AbortSignal, signal: SignalLike | undefined): SignalLike {
  if (signal === undefined) {
    return outer;
  }
  return signal instanceof LazySignal
    ? signal.within(outer)
    : AbortSignal.any([outer, signal as AbortSignal]);
}

/** The signal for a handler. */
export function abortSignalOf(signal: SignalLike): AbortSignal {
  return signal instanceof LazySignal ? signal.signal : (signal as AbortSignal);
}
