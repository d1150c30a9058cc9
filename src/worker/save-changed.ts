import type { Agent } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { StateStore } from "../core/state-store.ts";
import type { HandledRecords } from "./handled-records.ts";

export interface SavedAgent {
  readonly id: AgentId;
  readonly stateStore: StateStore | undefined;
  readonly handled: HandledRecords;
}

/**
 * Stores an agent's state if it differs from what is stored, with the durable records that it has handled.
 * @returns the JSON text that is stored now @throws what `saveState` or the store throws
 */
export async function saveChanged(
  agent: Agent,
  { id, stateStore, handled }: SavedAgent,
  storedJson: string | undefined,
): Promise<string | undefined> {
  // What was handled by now is in the state that the agent gives now.
  const handledJson = stateStore?.saveHandled === undefined ? undefined : handled.take(id);
  try {
    const state = await agent.saveState?.();
    const json = state === undefined ? undefined : JSON.stringify(state);
    const changed = json === storedJson ? undefined : json;
    if (handledJson !== undefined) {
      stateStore?.saveHandled?.(id, handledJson, changed);
    } else if (changed !== undefined) {
      stateStore?.saveState(id, changed);
    }
    return changed ?? storedJson;
  } catch (error) {
    if (handledJson !== undefined) {
      handled.putBack(id);
    }
    throw error;
  }
}
