import type {
  AgentTypeOptions,
  CircuitOptions,
  RestartOptions,
} from "../core/agent-type-options.ts";
import type { BackoffLimits } from "./backoff.ts";
import { invalidOption, wholeNumber } from "./option-values.ts";

export interface RestartPolicy extends BackoffLimits {
  readonly afterFailures: number;
}

export interface CircuitPolicy {
  readonly afterFailures: number;
  readonly openForMs: number;
}

/** The complete options of an agent type; undefined stands for "never" or "no limit". */
export interface AgentPolicy {
  readonly concurrency: number;
  /** True when it has to run in a thread of its own. */
  readonly isolate: boolean;
  readonly handlerTimeoutMs: number | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly restart: RestartPolicy | undefined;
  readonly circuit: CircuitPolicy | undefined;
}

/** What runs at a time is outside of the mailbox's bounds, so it has one of its own. */
const CONCURRENCY_OF_TRUE = 1_000;
const MAX_CONCURRENCY = 100_000;
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_FAILURES = 1_000_000;

/**
 * Options of a type over the defaults of its runtime. An explicit undefined stands for the default.
 * @throws AgentrtError `INVALID_OPTION`
 */
export function agentPolicy(
  input: AgentTypeOptions = {},
  defaults: AgentTypeOptions = {},
): AgentPolicy {
  const handlerTimeoutMs = input.handlerTimeoutMs ?? defaults.handlerTimeoutMs;
  const idleTimeoutMs = input.idleTimeoutMs ?? defaults.idleTimeoutMs;
  return Object.freeze({
    concurrency: concurrencyOf(input.concurrent ?? defaults.concurrent ?? false),
    isolate: isolateOf(input.isolate ?? false),
    handlerTimeoutMs: optionalMs("handlerTimeoutMs", handlerTimeoutMs),
    idleTimeoutMs: optionalMs("idleTimeoutMs", idleTimeoutMs),
    restart: restartOf(input.restart ?? defaults.restart ?? false),
    circuit: circuitOf(input.circuit ?? defaults.circuit ?? false),
  });
}

function concurrencyOf(concurrent: boolean | number): number {
  if (typeof concurrent === "boolean") {
    return concurrent ? CONCURRENCY_OF_TRUE : 1;
  }
  return wholeNumber("concurrent", concurrent, 1, 1, MAX_CONCURRENCY);
}

function isolateOf(isolate: boolean): boolean {
  if (typeof isolate !== "boolean") {
    throw invalidOption("isolate", String(isolate), "true or false");
  }
  return isolate;
}

function optionalMs(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : wholeNumber(name, value, 1, 1, MAX_TIMER_MS);
}

function restartOf(options: boolean | RestartOptions): RestartPolicy | undefined {
  if (options === false) {
    return undefined;
  }
  const { afterFailures, backoffInitialMs, backoffMaxMs } = options === true ? {} : options;
  const initial = wholeNumber("restart.backoffInitialMs", backoffInitialMs, 100, 1, MAX_TIMER_MS);
  const max = wholeNumber(
    "restart.backoffMaxMs",
    backoffMaxMs,
    Math.max(30_000, initial),
    1,
    MAX_TIMER_MS,
  );
  if (max < initial) {
    throw invalidOption(
      "restart.backoffMaxMs",
      String(max),
      `at least ${initial}, the first pause`,
    );
  }
  return {
    afterFailures: wholeNumber("restart.afterFailures", afterFailures, 3, 1, MAX_FAILURES),
    backoffInitialMs: initial,
    backoffMaxMs: max,
  };
}

function circuitOf(options: boolean | CircuitOptions): CircuitPolicy | undefined {
  if (options === false) {
    return undefined;
  }
  const { afterFailures, openForMs } = options === true ? {} : options;
  return {
    afterFailures: wholeNumber("circuit.afterFailures", afterFailures, 10, 1, MAX_FAILURES),
    openForMs: wholeNumber("circuit.openForMs", openForMs, 10_000, 1, MAX_TIMER_MS),
  };
}
