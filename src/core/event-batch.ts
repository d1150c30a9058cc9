import type { AgentId } from "./agent-id.ts";
import type { Headers } from "./envelope.ts";
import type { FullQueuePolicy } from "./full-queue.ts";
import type { TopicId } from "./topic-id.ts";

/** What all records of a batch have in common; agreed on once, and then named by a number. */
export interface BatchRoute {
  readonly topic: TopicId;
  /** Absent when the publisher is not an agent. */
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
  readonly dataType: string;
  readonly contentType: string;
  /** Who numbered the records: a worker's client id and a number that is new at each start of its process. */
  readonly producer: string;
  /** The agent types that the records are for at the receiving worker; empty is all that are subscribed. */
  readonly receivers: readonly string[];
  /** The cursor that a host delivers the batches of a durable topic for; else absent. */
  readonly cursor?: string;
  /** From the host: what is done with the events that wait for a busy agent. Absent: they all wait. */
  readonly fullQueue?: FullQueuePolicy;
}

/**
 * Events of one route, in the order in which they were published: the unit on the wire and in the
 * host, which routes and passes it on and never reads its records.
 */
export interface EventBatch {
  readonly kind: "batch";
  readonly route: BatchRoute;
  /** The producer's number of the first record; (producer, number) names a record for ever. */
  readonly sequence: number;
  /** The host's number of the first record in a durable topic; else 0. */
  readonly position: number;
  /** Records, at least 1. */
  readonly count: number;
  /** The records back to back; `wire/link` reads and writes them. */
  readonly records: Uint8Array;
}

/** The id that users see of a record whose publisher chose none. */
export function recordId(producer: string, sequence: number): string {
  return `${producer}/${sequence}`;
}
