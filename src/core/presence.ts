import { TopicId } from "./topic-id.ts";

/** Where the host tells who comes and goes. Only the host publishes on it. */
export const PRESENCE_TOPIC = new TopicId("system", "workers");

/** Name of the JSON data type on {@link PRESENCE_TOPIC}. */
export const PRESENCE_DATA_TYPE = "WorkerPresence";

/**
 * Why a worker is gone: it said goodbye, its connection broke, a newer stream of the same client id
 * took over, or the host cut it off. Empty when it came.
 */
export type PresenceReason = "" | "left" | "lost" | "replaced" | "expelled";

/** Field names as on the wire; flat, so that a Python dataclass can hold it. */
export interface WorkerPresence {
  readonly subject: "worker" | "agent_type";
  readonly change: "came" | "went";
  readonly client_id: string;
  /** Empty when the subject is the worker. */
  readonly agent_type: string;
  readonly reason: PresenceReason;
  /** ISO 8601, UTC. */
  readonly at: string;
}
