import type { RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import type { AgentrtError } from "../core/errors.ts";
import type { TopicPattern } from "../core/topic-pattern.ts";
import type { Encoding } from "../wire/link/compression.ts";
import type { CreditWindow } from "../wire/link/packet-writer.ts";
import type { NumberedRoute } from "./outgoing-batches.ts";

/** Where frames go: a connection, as this queue sees it. */
export interface FrameSink {
  /** False: take no more until `onDrain` calls. */
  write(bytes: Uint8Array): boolean;
  onDrain(listener: () => void): void;
  /** Absent on a connection in AutoGen's dialect. */
  readonly batches?: BatchSink | undefined;
  /** Absent on a connection in AutoGen's dialect. */
  readonly calls?: CallSink | undefined;
}

/** The part of a connection that takes calls and answers in agentrt's own form. */
export interface CallSink {
  /** As {@link FrameSink.write}; undefined when it has to go as AutoGen's message. */
  write(envelope: RequestEnvelope | ResponseEnvelope): boolean | undefined;
}

/** The part of a connection that takes batches. */
export interface BatchSink {
  /** Number of the last record that the host had taken when the connection was made. */
  readonly accepted: number;
  /** What may be under way to the host. */
  readonly window: CreditWindow;
  /** What batches may be compressed with on this connection. */
  readonly encoding: Encoding | undefined;
  /**
   * Takes a batch frame with so many messages; false: take no more until `onDrain` calls.
   * @param savedBytes what compression has taken off it
   */
  write(frame: Uint8Array, route: NumberedRoute, messages: number, savedBytes: number): boolean;
  /** No batch comes on the route any more. */
  forget(route: number): void;
  /** Calls `listener` with the numbers of the last records that were accepted and that came, whenever the host says so. */
  onAccepted(listener: (accepted: number, received: number) => void): void;
  /** Calls back with the host's durable topics, now and when they change, and with records that it could not store. */
  onDurable(
    onPatterns: (patterns: readonly TopicPattern[]) => void,
    onRefused: (refused: RefusedRecords) => void,
  ): void;
}

/** Records of a durable topic that the host could not store, or of any that it could not read. */
export interface RefusedRecords {
  /** Number of the first one. */
  readonly first: number;
  readonly count: number;
  readonly error: AgentrtError;
}
