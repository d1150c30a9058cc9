import { getLogger } from "@logtape/logtape";
import { AgentId } from "../core/agent-id.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import type { StateStore } from "../core/state-store.ts";

const logger = getLogger(["agentrt", "worker"]);

/** Where a state goes that its agent did not accept: the same key under the type with this ending. */
export const REJECTED_STATE_SUFFIX = ".rejected-state";

/** Keeps a state that its agent refused where a person finds it. */
export function keepAside(
  store: StateStore | undefined,
  id: AgentId,
  stateJson: string,
  reason: unknown,
): void {
  const asideId = new AgentId(`${id.type}${REJECTED_STATE_SUFFIX}`, id.key);
  store?.saveState(asideId, stateJson);
  logger.error(
    "an agent did not accept its stored state and starts fresh; the state is kept aside",
    {
      agent: id.toString(),
      keptAs: asideId.toString(),
      code: "STATE_REJECTED",
      error: stateRejected(id, reason),
    },
  );
}

export function stateRejected(id: AgentId, reason: unknown): AgentrtError {
  return new AgentrtError(
    "STATE_REJECTED",
    `Agent ${id} does not accept the state: ${messageOf(reason)}`,
    { cause: reason, data: { agent: id.toString() } },
  );
}
