import type { DeadLetter } from "./dead-letter.ts";
import type { ErrorCode } from "./errors.ts";
import type { FullQueuePolicy } from "./full-queue.ts";

/** Phases of a host's life, in order. */
export type HostState = "starting" | "ready" | "draining" | "stopped";

export interface WorkerReport {
  readonly clientId: string;
  /** Address and port of the other end, such as `127.0.0.1:41234`. */
  readonly peer: string;
  readonly dialect: "autogen" | "agentrt";
  /** ISO 8601, UTC. */
  readonly connectedAt: string;
  readonly agentTypes: readonly string[];
  readonly subscriptions: number;
  readonly messagesIn: number;
  /** Messages for it, those that were shed included. */
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Waiting in the outbox now. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Messages dropped because the worker did not read fast enough. */
  readonly shed: number;
}

export interface SubscriptionReport {
  readonly id: string;
  readonly kind: "type" | "prefix";
  /** The topic type, or its prefix. */
  readonly pattern: string;
  readonly agentType: string;
  readonly clientId: string;
}

export interface TopicReport {
  readonly topicType: string;
  readonly messages: number;
  readonly bytes: number;
  /** Copies given to workers. */
  readonly deliveries: number;
  /** Copies that workers did not get because their queues were full, or a newer one took their place. */
  readonly dropped: number;
  readonly fullQueue: FullQueuePolicy;
  /** Messages a second over the last ten seconds. */
  readonly messagesPerSecond: number;
  /** ISO 8601, UTC. */
  readonly lastAt: string;
}

export interface ErrorReport {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** Client id or address of the peer it came from; empty when it is the host's own. */
  readonly where: string;
}

/** Counts since the host started; each only grows. */
export interface HostTotals {
  /** TCP connections. */
  readonly connectionsAccepted: number;
  /** TCP connections closed at once because of a limit. */
  readonly connectionsRefused: number;
  /** TCP connections that ended in a protocol error, such as bytes that are not HTTP/2. */
  readonly connectionsBroken: number;
  readonly workersConnected: number;
  readonly workersLeft: number;
  /** Streams that a newer one with the same client id replaced. */
  readonly workersReplaced: number;
  /** Workers cut off by the host: too slow, or not speaking the protocol. */
  readonly workersExpelled: number;
  readonly eventsIn: number;
  /** Copies for workers, those that were shed included. */
  readonly eventsDelivered: number;
  /** Copies of retained events, and of who is there, given to new subscribers. */
  readonly eventsReplayed: number;
  /** Retained events that went because there were too many. */
  readonly retainedDropped: number;
  /** Retained events that this host did not have any more, or never had, and their workers handed in again. */
  readonly retainedHandedIn: number;
  /** Instances of shared agent types that moved to another worker with what state they had. */
  readonly instancesMoved: number;
  /** The same without the state: their worker died, cannot hand over, or did not in time. */
  readonly instancesMovedWithoutState: number;
  /** Connections, registrations, streams, calls and messages that were refused because a count or size was over its limit. */
  readonly limitsHit: number;
  /** Events that a worker sent again after a broken connection, and that had been taken before it broke. */
  readonly duplicates: number;
  /** Topic types whose counts were forgotten because there were too many. */
  readonly topicsForgotten: number;
  /** Events that no subscription matched. */
  readonly eventsUnmatched: number;
  readonly callsIn: number;
  readonly callsAnswered: number;
  /** Calls that ended in an error of the host's own, such as an unknown agent type; time-outs are apart. */
  readonly callsFailed: number;
  readonly callsTimedOut: number;
  /** Calls that their callers cancelled before they were answered. */
  readonly callsGivenUp: number;
  /** Responses to calls that nobody waits for any more. */
  readonly strayResponses: number;
  readonly controlMessages: number;
  /** Payload of gRPC messages, in and out. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Messages dropped because a worker's outbox was full. */
  readonly shed: number;
  readonly badFrames: number;
  /** gRPC calls that ended with an error status, unknown methods included. */
  readonly rpcsFailed: number;
}

/** Everything a host says of itself at one moment: the shape of `/api/status`. */
export interface HostReport {
  readonly version: string;
  readonly state: HostState;
  readonly listen: string;
  /** True when it listens beyond loopback without TLS and identities. */
  readonly isInsecure: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly workers: readonly WorkerReport[];
  readonly subscriptions: readonly SubscriptionReport[];
  /** The busiest topic types first, up to a bound. */
  readonly topics: readonly TopicReport[];
  /** Absent at a host that keeps no messages. */
  readonly durable?: DurableReport;
  readonly pendingCalls: number;
  readonly totals: HostTotals;
  readonly deadLetters: {
    readonly total: number;
    readonly byReason: Readonly<Partial<Record<ErrorCode, number>>>;
    /** Newest first. */
    readonly recent: readonly DeadLetter[];
  };
  /** Newest first. */
  readonly errors: readonly ErrorReport[];
}

/** Durable topics and who has still to get what is kept; counts since the host started, in messages. */
export interface DurableReport {
  /** Patterns: a topic type, or the beginning of topic types with "*" behind it. */
  readonly topics: readonly string[];
  readonly cursors: readonly CursorReport[];
  readonly appended: number;
  /** Could not be stored. */
  readonly refused: number;
  /** Copies for workers, again or for the first time. */
  readonly delivered: number;
  readonly redelivered: number;
  readonly acknowledged: number;
  /** Deliveries that a handler failed. */
  readonly failed: number;
  /** Given up. */
  readonly dead: number;
  /** Of those given up: still kept, for `agentrt dead`. */
  readonly deadKept: number;
  /** Dropped because there were too many dead ones or they were too old, since the folder was made. */
  readonly deadDropped: number;
  /** Messages that schedules published. */
  readonly schedulesFired: number;
  /** Times of schedules that passed without one: missed while no host ran, or on a topic that is not durable. */
  readonly schedulesSkipped: number;
  readonly storedRecords: number;
  readonly storedBytes: number;
  readonly damagedRanges: number;
}

/** One durable subscription: an agent type with its topics. */
export interface CursorReport {
  readonly name: string;
  readonly topics: readonly string[];
  /** All positions below are done. */
  readonly floor: number;
  /** Positions from there to the end of the log, those of other topics included. */
  readonly lag: number;
  readonly inFlight: number;
}
