import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { Store } from "../core/state-store.ts";

/** Newest dead letters that a store keeps. */
export const MAX_DEAD_LETTERS = 10_000;

/** A store that lasts as long as the process. */
export function createMemoryStore(): Store {
  const states = new Map<string, string>();
  const handled = new Map<string, string>();
  let letters: DeadLetter[] = [];
  return {
    loadState: (id: AgentId) => states.get(String(id)),
    saveState: (id: AgentId, stateJson: string) => {
      states.set(String(id), stateJson);
    },
    loadHandled: (id: AgentId) => handled.get(String(id)),
    saveHandled: (id: AgentId, handledJson: string, stateJson: string | undefined) => {
      handled.set(String(id), handledJson);
      if (stateJson !== undefined) {
        states.set(String(id), stateJson);
      }
    },
    addDeadLetters: (added) => {
      for (const letter of added) {
        letters.push(letter);
      }
      if (letters.length > 2 * MAX_DEAD_LETTERS) {
        letters = letters.slice(-MAX_DEAD_LETTERS);
      }
    },
    listDeadLetters: (limit) => letters.slice(-MAX_DEAD_LETTERS).reverse().slice(0, limit),
    [Symbol.dispose]: () => undefined,
  };
}
