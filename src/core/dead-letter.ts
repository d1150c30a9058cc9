import type { ErrorCode } from "./errors.ts";

/** What becomes of a message that could not be delivered: kept, counted by reason, and shown. */
export interface DeadLetter {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly reason: ErrorCode;
  /** What was wrong and where, for a person. */
  readonly detail: string;
  readonly messageId: string;
  readonly kind: "event" | "request" | "response" | "control";
  /** `type/source` of the topic, or `type/key` of the target. */
  readonly destination: string;
  /** `type/key`, or empty. */
  readonly sender: string;
  readonly dataType: string;
  readonly bytes: number;
  /** How many messages it stands for, when these are a batch and the id is that of the first; else absent. */
  readonly messages?: number;
}
