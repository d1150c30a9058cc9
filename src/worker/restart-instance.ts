import { getLogger } from "@logtape/logtape";
import type { AgentSlot } from "./agent-slot.ts";

const logger = getLogger(["agentrt", "worker"]);

export interface RestartParts {
  readonly stopSignal: AbortSignal;
  /** The instance has to rest until the promise ends. */
  readonly hold: (slot: AgentSlot, until: Promise<void>) => void;
}

/** Makes an instance anew with its saved state, after a pause when that happens often. */
export function restartInstance(parts: RestartParts, slot: AgentSlot, reason: string): void {
  if (slot.type.isGiven) {
    logger.error("an agent should be made anew and cannot, for it was registered as an instance", {
      agent: slot.id.toString(),
      reason,
    });
    return;
  }
  slot.type.counts.restarts += 1;
  const backoff = slot.restart();
  if (backoff !== undefined) {
    parts.hold(slot, backoff.wait(parts.stopSignal));
  }
  logger.warn("an agent is made anew with its saved state", {
    agent: slot.id.toString(),
    reason,
    pauseMs: backoff?.durationMs ?? 0,
  });
}
