/** How {@link waitFor} waits. */
export interface WaitOptions {
  /** What is waited for, as the end of "Waited 10000 ms for ...". */
  readonly what: string;
  /** Default: 10 seconds, which a healthy run never needs. */
  readonly timeoutMs?: number;
  /** Pause between two looks. Default: 20 ms. */
  readonly intervalMs?: number;
}

type Falsy = false | null | undefined | 0 | "";

/**
 * Looks again and again until the condition gives something truthy, and returns that.
 * A condition that throws counts as not yet true; its last error is the cause of the failure.
 *
 * @throws Error when the time is over, naming what was waited for
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, Falsy>> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) {
        return value as Exclude<T, Falsy>;
      }
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${options.what}, in vain.`, { cause: lastError });
    }
    await Bun.sleep(options.intervalMs ?? 20);
  }
}
