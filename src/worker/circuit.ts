import { getLogger } from "@logtape/logtape";
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from "cockatiel";
import { AgentrtError, type ErrorCode, messageOf } from "../core/errors.ts";
import type { CircuitPolicy } from "./agent-policy.ts";

const logger = getLogger(["agentrt", "worker"]);

export type CircuitStateName = "closed" | "open" | "half-open";

/** Errors that blame the message or its sender, not the agent. */
const NOT_THE_AGENTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INVALID_MESSAGE",
  "CANNOT_HANDLE",
  "CANCELLED",
  "CIRCUIT_OPEN",
  "TOO_MANY",
]);

/** True when what was thrown counts against the agent; see `AgentTypeOptions`. */
export function isAgentFailure(thrown: unknown): boolean {
  return !(thrown instanceof AgentrtError && NOT_THE_AGENTS.has(thrown.code));
}

/** Lets messages of one agent type through, unless it failed too often in a row. */
export class Circuit {
  readonly #agentType: string;
  readonly #breaker: CircuitBreakerPolicy;
  #opened = 0;

  constructor(agentType: string, { afterFailures, openForMs }: CircuitPolicy) {
    this.#agentType = agentType;
    this.#breaker = circuitBreaker(handleWhen(isAgentFailure), {
      breaker: new ConsecutiveBreaker(afterFailures),
      halfOpenAfter: openForMs,
    });
    this.#breaker.onBreak((reason) => {
      this.#opened += 1;
      logger.error("an agent type failed too often; its circuit is open", {
        agentType,
        openForMs,
        error: "error" in reason ? messageOf(reason.error) : "",
      });
    });
    this.#breaker.onHalfOpen(() => {
      logger.info("the circuit of an agent type lets one message through", { agentType });
    });
    this.#breaker.onReset(() => {
      logger.info("the circuit of an agent type is closed again", { agentType });
    });
  }

  get state(): CircuitStateName {
    switch (this.#breaker.state) {
      case CircuitState.Closed:
        return "closed";
      case CircuitState.HalfOpen:
        return "half-open";
      default:
        return "open";
    }
  }

  /** How often it opened. */
  get opened(): number {
    return this.#opened;
  }

  /** @throws AgentrtError `CIRCUIT_OPEN` without having run the work; what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#breaker.execute(work);
    } catch (error) {
      throw error instanceof BrokenCircuitError ? circuitOpen(this.#agentType, error) : error;
    }
  }
}

function circuitOpen(agentType: string, cause: unknown): AgentrtError {
  return new AgentrtError(
    "CIRCUIT_OPEN",
    `Agent type ${agentType} failed too often and gets no messages for a while. Send again later, and look into its log.`,
    { cause, data: { agentType } },
  );
}
