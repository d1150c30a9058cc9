import type { AgentId } from "./agent-id.ts";

/** What calls of one agent by one sender have in common; agreed on once, and then named by a number. */
export interface CallRoute {
  readonly target: AgentId;
  /** Absent when the caller is not an agent. */
  readonly sender: AgentId | undefined;
  readonly dataType: string;
  readonly contentType: string;
}

/** What answers have in common. */
export interface AnswerRoute {
  readonly dataType: string;
  readonly contentType: string;
}
