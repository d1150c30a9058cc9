import type { AgentId } from "./agent-id.ts";
import type { DeadLetter } from "./dead-letter.ts";

/**
 * Keeps the states of agents between runs. Implementations are in the `store` room.
 * Every method may throw AgentrtError `STORE_UNUSABLE`, `STORE_FULL` or `STORE_DAMAGED`.
 */
export interface StateStore {
  /** The JSON text saved last for an agent, or undefined. */
  loadState(id: AgentId): string | undefined;
  saveState(id: AgentId, stateJson: string): void;
  /**
   * The JSON text of which durable messages an agent has handled, saved last. Without this and `saveHandled` an
   * agent gets a durable message again when its worker is killed before the host has heard that it was handled.
   */
  loadHandled?(id: AgentId): string | undefined;
  /** Saves both in one step; the state only when it is given. */
  saveHandled?(id: AgentId, handledJson: string, stateJson: string | undefined): void;
}

/** Keeps the newest dead letters between runs, up to a bound of its own. */
export interface DeadLetterStore {
  addDeadLetters(letters: readonly DeadLetter[]): void;
  /** Newest first. */
  listDeadLetters(limit: number): readonly DeadLetter[];
}

export interface Store extends StateStore, DeadLetterStore, Disposable {}
