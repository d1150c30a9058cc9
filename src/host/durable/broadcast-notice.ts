import { getLogger } from "@logtape/logtape";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import { overlap } from "./subscribed-patterns.ts";

const logger = getLogger(["agentrt", "host"]);

/** Types come from peers, so what is remembered of them is bounded. */
const MAX_TOLD = 1_000;

/** Says that nothing is kept for a broadcast type, once for each, because its author may have meant otherwise. */
export class BroadcastNotice {
  readonly #told = new Set<string>();

  /**
   * @param wanted what the type is subscribed to
   * @returns true when it was said now
   */
  tell(
    agentType: string,
    wanted: readonly TopicPattern[],
    durable: readonly TopicPattern[],
  ): boolean {
    const isMeant = wanted.some((one) => durable.some((other) => overlap(other, one)));
    if (!isMeant || this.#told.has(agentType) || this.#told.size >= MAX_TOLD) {
      return false;
    }
    this.#told.add(agentType);
    logger.warn(
      "a broadcast agent type is subscribed to a durable topic: it gets what is published while its workers are connected, and nothing is kept for it",
      { agentType, topics: wanted.map(({ text }) => text) },
    );
    return true;
  }
}
