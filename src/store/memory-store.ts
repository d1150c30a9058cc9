import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { Store } from "../core/state-store.ts";

/** Newest dead letters that a store keeps. */
export const MAX_DEAD_LETTERS = 10_000;

/** A store that lasts as long as the process. */
export function createMemoryStore(): Store {
  const states = new Map<string, string>();
  let letters: DeadLetter[] = [];
  return {
    loadState: (id: AgentId) => states.get(String(id)),
    saveState: (id: AgentId, stateJson: string) => {
      states.set(String(id), stateJson);
    },
    addDeadLetters: (added) => {
      letters = [...letters, ...added].slice(-MAX_DEAD_LETTERS);
    },
    listDeadLetters: (limit) => letters.toReversed().slice(0, limit),
    [Symbol.dispose]: () => undefined,
  };
}
