/** Counts work that has begun and not ended, and tells when there is none. */
export class WorkCount {
  #open = 0;
  #idleWaiters: (() => void)[] = [];
  readonly #endListeners = new Set<() => void>();

  get open(): number {
    return this.#open;
  }

  begin(): void {
    this.#open += 1;
  }

  end(): void {
    this.#open -= 1;
    if (this.#endListeners.size > 0) {
      for (const listener of this.#endListeners) {
        listener();
      }
    }
    if (this.#open === 0 && this.#idleWaiters.length > 0) {
      const waiters = this.#idleWaiters;
      this.#idleWaiters = [];
      for (const resolve of waiters) {
        resolve();
      }
    }
  }

  async idle(): Promise<void> {
    while (this.#open > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idleWaiters.push(resolve);
      await promise;
    }
  }

  /** Calls `listener` after each end, until the returned function is called. */
  onEnd(listener: () => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }
}
