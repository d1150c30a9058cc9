import { getLogger } from "@logtape/logtape";
import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { EventEnvelope, RequestEnvelope } from "../core/envelope.ts";
import type { AgentrtError } from "../core/errors.ts";
import { deadLetterOf, describeEnvelope } from "./delivery.ts";

const logger = getLogger(["agentrt", "worker"]);

/**
 * The first loss is logged as a warning, and then each so many-th: a flood of losses must not
 * become a flood of log lines. All are counted and reported.
 */
const LOSSES_PER_WARNING = 1_000;

/** The events that a worker took in and could not hand to an agent. */
export class Losses {
  readonly #onDeadLetter: (letter: DeadLetter) => void;
  #count = 0;

  constructor(onDeadLetter: (letter: DeadLetter) => void) {
    this.#onDeadLetter = onDeadLetter;
  }

  get count(): number {
    return this.#count;
  }

  /** @param isExpected true when a loss is nothing to warn of: while stopping, or as its topic is declared */
  add(
    receiver: AgentId,
    envelope: EventEnvelope | RequestEnvelope,
    error: AgentrtError,
    isExpected: boolean,
  ): void {
    this.#count += 1;
    const properties = {
      agent: receiver.toString(),
      ...describeEnvelope(envelope),
      error,
      lostInAll: this.#count,
    };
    if (!isExpected && this.#count % LOSSES_PER_WARNING === 1) {
      logger.warn("an event was lost", properties);
    } else {
      logger.debug("an event was lost", properties);
    }
    try {
      this.#onDeadLetter(deadLetterOf(receiver, envelope, error));
    } catch (failure) {
      logger.error("onDeadLetter threw", { error: failure });
    }
  }
}
