import { ExponentialBackoff, fullJitterGenerator, type IBackoff } from "cockatiel";

export interface BackoffLimits {
  /** The longest first pause, in milliseconds. */
  readonly backoffInitialMs: number;
  /** The longest pause ever, in milliseconds. */
  readonly backoffMaxMs: number;
}

/** One pause of a series, each up to twice as long as the one before, of random length (full jitter). */
export interface Backoff {
  readonly durationMs: number;
  /** Ends early, without an error, when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
  next(): Backoff;
}

export function startBackoff({ backoffInitialMs, backoffMaxMs }: BackoffLimits): Backoff {
  const series = new ExponentialBackoff({
    generator: fullJitterGenerator,
    initialDelay: backoffInitialMs,
    maxDelay: backoffMaxMs,
  });
  return fromStep(series.next());
}

function fromStep(step: IBackoff<unknown>): Backoff {
  return {
    durationMs: step.duration,
    wait: async (signal) => await sleep(step.duration, signal),
    next: () => fromStep(step.next(undefined)),
  };
}

async function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, durationMs);
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
