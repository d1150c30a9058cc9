import type { AgentTypeOptions } from "../core/agent-type-options.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { InterventionHandler } from "../core/intervention.ts";
import type { StateStore } from "../core/state-store.ts";
import type { TracerProviderLike } from "../core/tracing.ts";
import { isTypePolicy, TYPE_POLICIES, type TypePolicy } from "../core/type-policy.ts";
import { agentPolicy } from "./agent-policy.ts";
import type { MailboxFullPolicy } from "./mailbox.ts";
import { invalidOption, wholeNumber } from "./option-values.ts";

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
  /** How agent types are treated whose registration says nothing else. Default: see {@link AgentTypeOptions}. */
  readonly agentDefaults: Omit<AgentTypeOptions, "isolate">;
  /**
   * An event that comes again within this time, by topic, source and id, is not handed over again, in
   * milliseconds; 0 hands over everything. Default: 60,000.
   */
  readonly dedupWindowMs: number;
  /** Events remembered for that; the window is shorter when there are more. Default: 100,000. */
  readonly dedupMaxEntries: number;
  /** Messages kept while they cannot be sent yet. Default: 10,000. */
  readonly bufferMaxMessages: number;
  /** The same in bytes. Default: 16 MiB. */
  readonly bufferMaxBytes: number;
  /** Look at, change or drop what is published, sent and answered here; see {@link InterventionHandler}. Default: none. */
  readonly interventionHandlers: readonly InterventionHandler[];
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
  // Checked now, so that a wrong default does not wait for the first registration to be seen.
  agentPolicy(input.agentDefaults);
  return Object.freeze({
    callTimeoutMs: wholeNumber("callTimeoutMs", input.callTimeoutMs, 60_000, 1, MAX_TIMER_MS),
    drainTimeoutMs: wholeNumber("drainTimeoutMs", input.drainTimeoutMs, 5_000, 0, MAX_TIMER_MS),
    mailboxMaxMessages: wholeNumber("mailboxMaxMessages", input.mailboxMaxMessages, 10_000, 1),
    mailboxMaxBytes: wholeNumber("mailboxMaxBytes", input.mailboxMaxBytes, 64 * 2 ** 20, 1),
    mailboxFullPolicy: policy,
    maxInstances: wholeNumber("maxInstances", input.maxInstances, 100_000, 1),
    agentDefaults: Object.freeze({ ...input.agentDefaults }),
    dedupWindowMs: wholeNumber("dedupWindowMs", input.dedupWindowMs, 60_000, 0, MAX_TIMER_MS),
    dedupMaxEntries: wholeNumber("dedupMaxEntries", input.dedupMaxEntries, 100_000, 2, 10_000_000),
    bufferMaxMessages: wholeNumber("bufferMaxMessages", input.bufferMaxMessages, 10_000, 0),
    bufferMaxBytes: wholeNumber("bufferMaxBytes", input.bufferMaxBytes, 16 * 2 ** 20, 0),
    interventionHandlers: Object.freeze([...(input.interventionHandlers ?? [])]),
    stateStore: input.stateStore,
    onDeadLetter: input.onDeadLetter,
    tracerProvider: input.tracerProvider,
  });
}

/** @throws AgentrtError `INVALID_OPTION` */
export function assertPolicy(type: string, policy: TypePolicy | undefined): void {
  if (policy !== undefined && !isTypePolicy(policy)) {
    throw invalidOption(`policy of ${type}`, `"${policy}"`, `one of ${TYPE_POLICIES.join(", ")}`);
  }
}
