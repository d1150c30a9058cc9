import type { PublishOptions } from "../core/runtime.ts";
import type { TopicId } from "../core/topic-id.ts";
import { COMPRESSIONS, type Compression } from "./compression.ts";
import type { Dialect } from "./host-link.ts";
import { invalidOption, wholeNumber } from "./option-values.ts";
import type { RegistrationPolicy } from "./registrations.ts";
import {
  type RuntimeOptions,
  type RuntimeOptionsInput,
  runtimeOptions,
} from "./runtime-options.ts";

/** An event that a worker leaves with the host for the case that it is lost. */
export interface LastWill {
  /** Made by a message type. */
  readonly message: object;
  readonly topic: TopicId;
  readonly options?: Omit<PublishOptions, "signal" | "messageId">;
}

/** What a runtime that joins a host can be told. */
export interface WorkerOptions extends RuntimeOptions {
  /** `host:port`. Default: `localhost:50051`. */
  readonly hostAddress: string;
  /** Names this worker to the host, over all its connections. Default: a fresh UUID. */
  readonly clientId: string;
  /** How long `start` waits for the host, in milliseconds; undefined waits for ever. Default: undefined. */
  readonly connectTimeoutMs: number | undefined;
  /** How long one attempt to connect may take, in milliseconds. Default: 5,000. */
  readonly connectAttemptTimeoutMs: number;
  /** How long the host may take to answer a registration, in milliseconds. Default: 10,000. */
  readonly registerTimeoutMs: number;
  /** The longest pause before the first new attempt, in milliseconds. Default: 50. */
  readonly backoffInitialMs: number;
  /** The longest pause between attempts, so how late a returning host is noticed. Default: 1,000. */
  readonly backoffMaxMs: number;
  /**
   * What to do when another worker holds an agent type: `fail` rejects `registerFactory` (or `start`)
   * with `AGENT_TYPE_TAKEN`; `wait` keeps it waiting until that worker leaves. Default: `fail`.
   */
  readonly registration: RegistrationPolicy;
  /** Published by the host when this worker is lost or cut off, not when it stops. At most 4 KiB. Default: none. */
  readonly lastWill: LastWill | undefined;
  /**
   * `agentrt`: the fast dialect with hosts that know it, else AutoGen's. `autogen`: always AutoGen's.
   * Default: `agentrt`.
   */
  readonly dialect: Dialect;
  /**
   * Whether batches of 1 KiB and more are compressed on their way to the host and on to the receivers,
   * where that makes them smaller: `zstd` or `gzip` where the host knows it, `auto` the best of them unless
   * the host is on this machine, `off`. AutoGen's dialect has none. Default: `auto`.
   */
  readonly compression: Compression;
  /**
   * Last values published with `retain` that are remembered, to be handed in again to a host that has
   * lost them; the oldest go first, and 0 remembers none. Default: 10,000.
   */
  readonly retainMaxValues: number;
  /** The same in bytes. Default: 16 MiB. */
  readonly retainMaxBytes: number;
  /** The largest message in both directions. The host has such a limit too. Default: 4 MiB. */
  readonly maxMessageBytes: number;
}

/** `undefined` stands for the default, as a left-out option does. */
export type WorkerOptionsInput = RuntimeOptionsInput & {
  readonly [K in keyof WorkerOptions]?: WorkerOptions[K] | undefined;
};

/** A gRPC target without a scheme, which would choose another transport. */
const HOST_ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/;
/** What gRPC metadata may hold. */
const CLIENT_ID = /^[\x21-\x7e]{1,128}$/;
/** gRPC's own limit: message lengths travel in 32 bits. */
const MAX_MESSAGE_BYTES = 2 ** 31 - 1;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** @throws AgentrtError `INVALID_OPTION` */
export function workerOptions(input: WorkerOptionsInput = {}): WorkerOptions {
  const hostAddress = input.hostAddress ?? "localhost:50051";
  if (!HOST_ADDRESS.test(hostAddress) || Number(hostAddress.split(":").at(-1)) > 65_535) {
    throw invalidOption("hostAddress", `"${hostAddress}"`, "host:port, such as localhost:50051");
  }
  const clientId = input.clientId ?? crypto.randomUUID();
  if (!CLIENT_ID.test(clientId)) {
    throw invalidOption("clientId", `"${clientId}"`, "1 to 128 visible ASCII characters");
  }
  const registration = input.registration ?? "fail";
  if (registration !== "fail" && registration !== "wait") {
    throw invalidOption("registration", String(registration), '"fail" or "wait"');
  }
  const dialect = input.dialect ?? "agentrt";
  if (dialect !== "agentrt" && dialect !== "autogen") {
    throw invalidOption("dialect", String(dialect), '"agentrt" or "autogen"');
  }
  const compression = input.compression ?? "auto";
  if (!COMPRESSIONS.includes(compression)) {
    throw invalidOption("compression", String(compression), "auto, off, zstd or gzip");
  }
  const ms = (
    name: keyof WorkerOptionsInput,
    value: number | undefined,
    fallback: number,
  ): number => wholeNumber(name, value, fallback, 1, MAX_TIMER_MS);
  const { connectTimeoutMs } = input;
  return Object.freeze({
    ...runtimeOptions(input),
    hostAddress,
    clientId,
    connectTimeoutMs:
      connectTimeoutMs === undefined ? undefined : ms("connectTimeoutMs", connectTimeoutMs, 1),
    connectAttemptTimeoutMs: ms("connectAttemptTimeoutMs", input.connectAttemptTimeoutMs, 5_000),
    registerTimeoutMs: ms("registerTimeoutMs", input.registerTimeoutMs, 10_000),
    backoffInitialMs: ms("backoffInitialMs", input.backoffInitialMs, 50),
    backoffMaxMs: ms("backoffMaxMs", input.backoffMaxMs, 1_000),
    registration,
    lastWill: input.lastWill,
    dialect,
    compression,
    retainMaxValues: wholeNumber("retainMaxValues", input.retainMaxValues, 10_000, 0, 10_000_000),
    retainMaxBytes: wholeNumber(
      "retainMaxBytes",
      input.retainMaxBytes,
      16 * 2 ** 20,
      0,
      2 ** 53 - 1,
    ),
    maxMessageBytes: wholeNumber(
      "maxMessageBytes",
      input.maxMessageBytes,
      4 * 2 ** 20,
      1,
      MAX_MESSAGE_BYTES,
    ),
  });
}
