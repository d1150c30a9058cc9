import { constants } from "node:os";

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

export interface LifecycleOptions {
  readonly signals: SignalSource;
  readonly platform: NodeJS.Platform;
  /** Ends the process at once. */
  exit(code: number): void;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
}

/** Those of this process. */
export const OF_THIS_PROCESS: LifecycleOptions = Object.freeze({
  signals: process,
  platform: process.platform,
  exit: (code: number) => process.exit(code),
  now: () => performance.now(),
});

/** How stopping ended; `late` when something did not end within the time given. */
export type StopOutcome = "stopped" | "late";

/**
 * - `running`: until a signal or {@link Lifecycle.requestStop}
 * - `stopping`: asked to stop, at a time; one more signal ends the process at once
 * - `ended`: signals are no longer listened to
 */
type Phase =
  | { readonly kind: "running" }
  | { readonly kind: "stopping"; readonly sinceMs: number }
  | { readonly kind: "ended" };

/**
 * Ctrl-C reaches every process of a terminal, and a script that started this one may pass it on:
 * signals so close together are one wish.
 */
const SAME_WISH_MS = 200;

/** The life of a process that runs until it is told to stop. */
export class Lifecycle implements Disposable {
  readonly #options: LifecycleOptions;
  readonly #listeners: ReadonlyMap<NodeJS.Signals, () => void>;
  readonly #stopRequested = new AbortController();
  #stops: (() => Promise<void>)[] = [];
  #phase: Phase = { kind: "running" };

  constructor(options: LifecycleOptions) {
    this.#options = options;
    // Windows knows SIGINT (Ctrl-C) and SIGBREAK (Ctrl-Break, closing the console).
    const signals: readonly NodeJS.Signals[] =
      options.platform === "win32" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];
    this.#listeners = new Map(
      signals.map((signal) => [signal, () => this.#onSignal(signal)] as const),
    );
    for (const [signal, listener] of this.#listeners) {
      options.signals.on(signal, listener);
    }
  }

  /** Aborted when the process was asked to stop. */
  get stopSignal(): AbortSignal {
    return this.#stopRequested.signal;
  }

  /** Adds a step of stopping. Steps run one after the other, the last added first. */
  onStop(step: () => Promise<void>): void {
    this.#stops.push(step);
  }

  requestStop(): void {
    if (this.#phase.kind === "running") {
      this.#phase = { kind: "stopping", sinceMs: this.#options.now() };
      this.#stopRequested.abort();
    }
  }

  /** Resolves when the process was asked to stop. */
  async untilStopRequested(): Promise<void> {
    if (!this.stopSignal.aborted) {
      await new Promise<void>((resolve) => {
        this.stopSignal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /**
   * Runs the steps of stopping, and those that `starting` still adds.
   * @param starting the start that may be under way; its failure is not this method's matter
   * @param onError told of each step that fails; the others run all the same
   */
  async stopAll(
    starting: Promise<unknown>,
    limitMs: number,
    onError: (error: unknown) => void,
  ): Promise<StopOutcome> {
    this.requestStop();
    const late = Promise.withResolvers<StopOutcome>();
    const timer = setTimeout(() => late.resolve("late"), limitMs);
    const outcome = await Promise.race([this.#runSteps(starting, onError), late.promise]);
    clearTimeout(timer);
    return outcome;
  }

  [Symbol.dispose](): void {
    this.#phase = { kind: "ended" };
    for (const [signal, listener] of this.#listeners) {
      this.#options.signals.off(signal, listener);
    }
  }

  async #runSteps(
    starting: Promise<unknown>,
    onError: (error: unknown) => void,
  ): Promise<StopOutcome> {
    await this.#runAdded(onError);
    await Promise.allSettled([starting]);
    await this.#runAdded(onError);
    return "stopped";
  }

  async #runAdded(onError: (error: unknown) => void): Promise<void> {
    for (let step = this.#stops.pop(); step !== undefined; step = this.#stops.pop()) {
      try {
        await step();
      } catch (error) {
        onError(error);
      }
    }
  }

  #onSignal(signal: NodeJS.Signals): void {
    switch (this.#phase.kind) {
      case "running":
        this.requestStop();
        break;
      case "stopping":
        if (this.#options.now() - this.#phase.sinceMs >= SAME_WISH_MS) {
          this.#options.exit(128 + constants.signals[signal]);
        }
        break;
      case "ended":
        break;
      default:
        this.#phase satisfies never;
    }
  }
}
