import { assertAgentType } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import type { FullQueuePolicy } from "../core/full-queue.ts";
import type { DeadLetterStore } from "../core/state-store.ts";
import type { TracerProviderLike } from "../core/tracing.ts";
import { isTypePolicy, TYPE_POLICIES, type TypePolicy } from "../core/type-policy.ts";
import type { MessageLog } from "../store/log/message-log.ts";

/** What happens when a worker's outbox is full: drop its oldest messages, or cut the worker off. */
export type SlowWorkerPolicy = "shed" | "disconnect";

export interface HostOptions {
  /** `host:port` to listen on; port 0 takes any free one. Default `127.0.0.1:50051`. */
  readonly listen: string;
  /** Lets `listen` be an address that other machines reach, without TLS or identities. Default false. */
  readonly isInsecureAllowed: boolean;
  /** Largest gRPC message taken or sent, in bytes; guards memory. Default 4 MiB, as gRPC's own. */
  readonly maxMessageBytes: number;
  /** How long a call may take before its caller gets `DEADLINE`. Default 60 s. */
  readonly rpcTimeoutMs: number;
  /** How long `stop` waits for what is in flight. Default 5 s. */
  readonly drainTimeoutMs: number;
  /** Messages that may wait for one worker. Default 10,000. */
  readonly outboxMaxMessages: number;
  /** Bytes that may wait for one worker; guards against the worker that never reads. Default 64 MiB. */
  readonly outboxMaxBytes: number;
  /**
   * How long a publisher is held back at most while all receivers of its message are crowded,
   * before messages are shed instead; 0 never holds back. Default 500 ms.
   */
  readonly publisherHoldMs: number;
  readonly slowWorkerPolicy: SlowWorkerPolicy;
  /**
   * What a full outbox does with messages by topic type, or by the beginning of topic types with `*` behind:
   * the exact one counts, then the longest. Default: `block` for all.
   */
  readonly fullQueue: Readonly<Record<string, FullQueuePolicy>>;
  /** A worker that reads nothing for so long while messages wait is cut off. Default 30 s. */
  readonly slowWorkerTimeoutMs: number;
  /** TCP connections at once; guards file descriptors. Default 10,000. */
  readonly maxConnections: number;
  /** Workers known at once, connected or announced by a unary call. Default 10,000. */
  readonly maxWorkers: number;
  /** Calls waiting for an answer at once. Default 100,000. */
  readonly maxPendingCalls: number;
  readonly maxAgentTypesPerWorker: number;
  readonly maxSubscriptionsPerWorker: number;
  /** Topic types whose counts are remembered; the least recent go first. Default 10,000. */
  readonly maxTopicsTracked: number;
  /** How long a worker may register before it opens its stream. Default 30 s. */
  readonly registrationGraceMs: number;
  /**
   * How long the registrations and queued events of a worker whose connection was lost are kept for its
   * return. Default 0: forgotten at once, as AutoGen's workers expect.
   */
  readonly sessionGraceMs: number;
  /** Policies of agent types by name, for workers that name none. Default: `exclusive` for all. */
  readonly agentPolicies: Readonly<Record<string, TypePolicy>>;
  /** Topics (`type` or `type/source`) whose last values are kept, whatever publishers say. Default: none. */
  readonly retain: readonly string[];
  /** How old a retained value may get. Default 7 days. */
  readonly retainMaxAgeMs: number;
  /** How long retained values outlive their owner's leaving. Default 60 s. */
  readonly retainOwnerGraceMs: number;
  /** Retained values at once; the oldest go first. Default 10,000. */
  readonly retainMaxValues: number;
  /** The same in bytes. Default 64 MiB. */
  readonly retainMaxBytes: number;
  /** Headers of one message. Default 128. */
  readonly maxHeaders: number;
  /** Bytes of all headers of one message. Default 16 KiB. */
  readonly maxHeaderBytes: number;
  /** Routes of batches that one worker may have at a time; each is a topic with a sender and a data type. Default 16,384. */
  readonly maxRoutes: number;
  /**
   * Bytes that a worker may send in agentrt's own dialect before the host has taken them. What is
   * under way cannot be overtaken by urgent messages. Default 1 MiB.
   */
  readonly linkWindowBytes: number;
  /** The same in messages, so that tiny ones do not fill the receivers' queues. Default 65,536. */
  readonly linkWindowMessages: number;
  /** How long a new connection may take to show that it speaks HTTP/2. Default 10 s. */
  readonly handshakeTimeoutMs: number;
  /**
   * Where messages of durable topics are kept. Whoever opened it closes it, after the host has stopped.
   * Default: nowhere, and no topic can be durable.
   */
  readonly messageLog: MessageLog | undefined;
  /** Topic types that are durable, or beginnings of such with `*` behind; more can be declared at any time. Default: none. */
  readonly durable: readonly string[];
  /** Deliveries of a durable message that its handler may fail before it is given up. Default 10. */
  readonly durableMaxDeliver: number;
  /** Where dead letters are kept between runs. Default: in memory only. */
  readonly deadLetterStore: DeadLetterStore | undefined;
  /** The folder in which `agentrt data backup NAME` makes a copy of the message log. Default `backups`. */
  readonly backupFolder: string;
  /** Traces each message on its way, by OpenTelemetry. Default: no tracing. */
  readonly tracerProvider: TracerProviderLike | undefined;
  /** Told to workers and shown on the status page. */
  readonly version: string;
}

const MIB = 1024 * 1024;

const DEFAULTS: HostOptions = {
  listen: "127.0.0.1:50051",
  isInsecureAllowed: false,
  maxMessageBytes: 4 * MIB,
  rpcTimeoutMs: 60_000,
  drainTimeoutMs: 5_000,
  outboxMaxMessages: 100_000,
  outboxMaxBytes: 64 * MIB,
  publisherHoldMs: 500,
  slowWorkerPolicy: "shed",
  fullQueue: Object.freeze({}),
  slowWorkerTimeoutMs: 30_000,
  maxConnections: 10_000,
  maxWorkers: 10_000,
  maxPendingCalls: 100_000,
  maxAgentTypesPerWorker: 1_000,
  maxSubscriptionsPerWorker: 10_000,
  maxTopicsTracked: 10_000,
  registrationGraceMs: 30_000,
  sessionGraceMs: 0,
  agentPolicies: Object.freeze({}),
  retain: Object.freeze([]),
  retainMaxAgeMs: 7 * 86_400_000,
  retainOwnerGraceMs: 60_000,
  retainMaxValues: 10_000,
  retainMaxBytes: 64 * MIB,
  maxHeaders: 128,
  maxHeaderBytes: 16 * 1_024,
  maxRoutes: 16_384,
  linkWindowBytes: 512 * 1_024,
  linkWindowMessages: 65_536,
  handshakeTimeoutMs: 10_000,
  messageLog: undefined,
  durable: Object.freeze([]),
  durableMaxDeliver: 10,
  deadLetterStore: undefined,
  backupFolder: "backups",
  tracerProvider: undefined,
  version: "0.0.0",
};

/** Smallest and largest value of each number, both allowed. */
const RANGES = {
  maxMessageBytes: [1_024, 1_024 * MIB],
  rpcTimeoutMs: [1, 86_400_000],
  drainTimeoutMs: [0, 3_600_000],
  outboxMaxMessages: [1, 10_000_000],
  outboxMaxBytes: [1_024, 1_024 * 1_024 * MIB],
  publisherHoldMs: [0, 60_000],
  slowWorkerTimeoutMs: [100, 86_400_000],
  maxConnections: [1, 1_000_000],
  maxWorkers: [1, 1_000_000],
  maxPendingCalls: [1, 10_000_000],
  maxAgentTypesPerWorker: [1, 1_000_000],
  maxSubscriptionsPerWorker: [1, 10_000_000],
  maxTopicsTracked: [1, 1_000_000],
  registrationGraceMs: [100, 3_600_000],
  sessionGraceMs: [0, 86_400_000],
  retainMaxAgeMs: [1, 365 * 86_400_000],
  retainOwnerGraceMs: [0, 86_400_000],
  retainMaxValues: [1, 10_000_000],
  retainMaxBytes: [1_024, 1_024 * 1_024 * MIB],
  maxHeaders: [1, 100_000],
  maxHeaderBytes: [64, 16 * MIB],
  maxRoutes: [1, 1_000_000],
  linkWindowBytes: [1_024, 1_024 * MIB],
  linkWindowMessages: [16, 1_000_000_000],
  handshakeTimeoutMs: [100, 3_600_000],
  durableMaxDeliver: [1, 1_000_000],
} as const satisfies Partial<Record<keyof HostOptions, readonly [number, number]>>;

/**
 * Fills in defaults; an explicit undefined counts as absent.
 * @throws AgentrtError `INVALID_OPTION` naming the option and its range
 */
export function resolveHostOptions(given: Partial<HostOptions>): HostOptions {
  const present = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<HostOptions>;
  const options: HostOptions = Object.freeze({ ...DEFAULTS, ...present });
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `Host option ${name} is ${value}; give a whole number from ${least} to ${most}.`,
        { data: { option: name } },
      );
    }
  }
  if (options.slowWorkerPolicy !== "shed" && options.slowWorkerPolicy !== "disconnect") {
    throw new AgentrtError(
      "INVALID_OPTION",
      `Host option slowWorkerPolicy is "${String(options.slowWorkerPolicy)}"; give "shed" or "disconnect".`,
      { data: { option: "slowWorkerPolicy" } },
    );
  }
  for (const [type, policy] of Object.entries(options.agentPolicies)) {
    assertAgentType(type);
    if (!isTypePolicy(policy)) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `Host option agentPolicies says "${String(policy)}" for ${type}; give one of ${TYPE_POLICIES.join(", ")}.`,
        { data: { option: "agentPolicies" } },
      );
    }
  }
  return options;
}
