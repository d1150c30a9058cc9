import type { DeadLetter } from "../core/dead-letter.ts";
import { AgentrtError } from "../core/errors.ts";
import type { StateStore } from "../core/state-store.ts";
import type { TracerProviderLike } from "../core/tracing.ts";
import type { MailboxFullPolicy } from "./mailbox.ts";

/** What every runtime can be told. */
export interface RuntimeOptions {
  /** How long a call waits for its answer, in milliseconds. Default: 60,000. */
  readonly callTimeoutMs: number;
  /** How long `stop` lets handlers in flight finish, in milliseconds. Default: 5,000. */
  readonly drainTimeoutMs: number;
  /** Messages that wait for one agent instance; without a bound a slow agent would fill the memory. Default: 10,000. */
  readonly mailboxMaxMessages: number;
  /** The same in bytes. Default: 64 MiB. */
  readonly mailboxMaxBytes: number;
  /** Which event is lost when a mailbox is full. Default: `drop-oldest`. */
  readonly mailboxFullPolicy: MailboxFullPolicy;
  /** Agent instances in this process. Keys come from peers, who could make any number. Default: 100,000. */
  readonly maxInstances: number;
  /** Messages kept while they cannot be sent yet. Default: 10,000. */
  readonly bufferMaxMessages: number;
  /** The same in bytes. Default: 16 MiB. */
  readonly bufferMaxBytes: number;
  /** Keeps the states of agents over a restart. Default: none. */
  readonly stateStore: StateStore | undefined;
  /** Told of each event that was lost here. It is logged in any case. Default: none. */
  readonly onDeadLetter: ((letter: DeadLetter) => void) | undefined;
  /** Traces what is sent and handled, by OpenTelemetry; see docs/tracing.md. Default: no tracing. */
  readonly tracerProvider: TracerProviderLike | undefined;
}

/** `undefined` stands for the default, as a left-out option does. */
export type RuntimeOptionsInput = {
  readonly [K in keyof RuntimeOptions]?: RuntimeOptions[K] | undefined;
};

const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws AgentrtError `INVALID_OPTION` */
export function runtimeOptions(input: RuntimeOptionsInput = {}): RuntimeOptions {
  const policy = input.mailboxFullPolicy ?? "drop-oldest";
  if (policy !== "drop-oldest" && policy !== "drop-newest") {
    throw invalidOption("mailboxFullPolicy", String(policy), '"drop-oldest" or "drop-newest"');
  }
  return Object.freeze({
    callTimeoutMs: wholeNumber("callTimeoutMs", input.callTimeoutMs, 60_000, 1, MAX_TIMER_MS),
    drainTimeoutMs: wholeNumber("drainTimeoutMs", input.drainTimeoutMs, 5_000, 0, MAX_TIMER_MS),
    mailboxMaxMessages: wholeNumber("mailboxMaxMessages", input.mailboxMaxMessages, 10_000, 1),
    mailboxMaxBytes: wholeNumber("mailboxMaxBytes", input.mailboxMaxBytes, 64 * 2 ** 20, 1),
    mailboxFullPolicy: policy,
    maxInstances: wholeNumber("maxInstances", input.maxInstances, 100_000, 1),
    bufferMaxMessages: wholeNumber("bufferMaxMessages", input.bufferMaxMessages, 10_000, 0),
    bufferMaxBytes: wholeNumber("bufferMaxBytes", input.bufferMaxBytes, 16 * 2 ** 20, 0),
    stateStore: input.stateStore,
    onDeadLetter: input.onDeadLetter,
    tracerProvider: input.tracerProvider,
  });
}

/** @throws AgentrtError `INVALID_OPTION` */
export function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const chosen = value ?? fallback;
  if (!Number.isSafeInteger(chosen) || chosen < min || chosen > max) {
    throw invalidOption(name, String(chosen), `a whole number from ${min} to ${max}`);
  }
  return chosen;
}

export function invalidOption(name: string, value: string, allowed: string): AgentrtError {
  return new AgentrtError("INVALID_OPTION", `${name} cannot be ${value}; give ${allowed}.`, {
    data: { option: name },
  });
}
