import { Metadata } from "@grpc/grpc-js";
import type { RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { EventBatch } from "../core/event-batch.ts";
import type { Registration, RegistrationResult } from "../core/registration.ts";
import { AgentRpcClient, type FrameStream } from "../wire/autogen/client.ts";
import { type Capability, capabilitiesIn } from "../wire/capabilities.ts";
import { fromServiceError } from "../wire/grpc-status.ts";
import { type Compression, encodingFor } from "./compression.ts";
import type { DurableOutcomes } from "./durable-intake.ts";
import type { BatchSink, CallSink, FrameSink } from "./frame-sink.ts";
import { type HostWelcome, LinkChannel } from "./link-channel.ts";

/** How messages are spoken: agentrt's own way, which not every host knows, or AutoGen's. */
export type Dialect = "agentrt" | "autogen";

export interface HostLinkOptions {
  readonly hostAddress: string;
  readonly clientId: string;
  readonly maxMessageBytes: number;
  readonly dialect: Dialect;
  readonly compression: Compression;
  /** Names this process to hosts that know batches. */
  readonly producer: string;
  /** The host's instance that the last link went to; empty at first. */
  readonly lastInstance: string;
  /** What the host shall know of this worker, for the hello. */
  readonly registrations: readonly Registration[];
  /** The host has answered; what it sends comes behind this. */
  readonly onWelcome: () => void;
  /** Metadata of the channel for messages, beside the client id. */
  readonly channelMetadata: () => Metadata | undefined;
  readonly onFrame: (bytes: Uint8Array) => void;
  /** A call or an answer came in agentrt's own form. */
  readonly onCall: (envelope: RequestEnvelope | ResponseEnvelope) => void;
  /** A batch came; `taken` is to be called when it is where there is room for it. */
  readonly onBatch: (batch: EventBatch, taken: () => void) => void;
  /** The records of a batch cannot be read, and are lost. */
  readonly onBadBatch: (error: AgentrtError) => void;
  readonly onCursorFloor: (cursor: string, floor: number) => void;
  /** The host stops; {@link HostLink.answerGoingAway} is to be called when nothing more is to be sent but answers. */
  readonly onGoingAway: () => void;
}

/**
 * How long an open stream may stay without the host's initial metadata before a unary call is
 * asked to prove the connection instead: a host may send metadata with its first message only.
 */
const METADATA_GRACE_MS = 200;

/** What the hello may take of the host's time; what does not fit is registered by unary calls. */
const MAX_REGISTRATION_BYTES = 256 * 1_024;

/** One connection to the host, from dialling to its end; it is never used again after that. */
export class HostLink implements FrameSink {
  readonly client: AgentRpcClient;
  /** Resolves, never rejects, with the reason when the stream is over. */
  readonly ended: Promise<AgentrtError>;
  readonly #stream: FrameStream;
  readonly #ready: Promise<void>;
  readonly #channel: LinkChannel | undefined;
  #instance = "";
  #registered: ReadonlyMap<Registration, RegistrationResult> = new Map();
  #capabilities: ReadonlySet<Capability> = new Set();
  readonly #end: (error: AgentrtError) => void;

  constructor(options: HostLinkOptions) {
    const { hostAddress, clientId, maxMessageBytes, dialect } = options;
    this.client = new AgentRpcClient(hostAddress, clientId, { maxMessageBytes });
    const { promise: ended, resolve: end } = Promise.withResolvers<AgentrtError>();
    const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
    this.ended = ended;
    this.#end = end;
    this.#ready = ready;
    const metadata = options.channelMetadata();
    this.#stream =
      dialect === "agentrt" ? this.client.openLink(metadata) : this.client.openChannel(metadata);
    let declared = new Metadata();
    this.#stream.on("metadata", (metadata) => {
      declared = metadata;
      this.#capabilities = capabilitiesIn(declared);
      if (dialect === "autogen") {
        isReady();
      }
    });
    this.#stream.on("error", (error) => end(fromServiceError(error)));
    // grpc-js emits the error before the end, so an orderly end is what is left.
    this.#stream.on("end", () => end(hostClosed()));
    if (dialect === "autogen") {
      this.#stream.on("data", options.onFrame);
    } else {
      const onWelcome = ({ instance, capabilities, results }: HostWelcome): void => {
        this.#instance = instance;
        this.#capabilities = capabilitiesIn(declared, capabilities);
        this.#registered = results;
        if (this.#channel !== undefined) {
          const can = (capability: Capability): boolean => this.can(capability);
          this.#channel.encoding = encodingFor(options.compression, hostAddress, can);
        }
        options.onWelcome();
        isReady();
      };
      this.#channel = this.#openChannel(options, onWelcome);
    }
  }

  get dialect(): Dialect {
    return this.#channel === undefined ? "autogen" : "agentrt";
  }

  /** The host's instance, when it has said so; else empty. */
  get instance(): string {
    return this.#instance;
  }

  /** What the host has said in its welcome of what was registered with the hello. */
  get registered(): ReadonlyMap<Registration, RegistrationResult> {
    return this.#registered;
  }

  get batches(): BatchSink | undefined {
    return this.#channel;
  }

  get calls(): CallSink | undefined {
    return this.#channel?.calls;
  }

  /**
   * Resolves when the host has answered.
   * @throws AgentrtError `NOT_CONNECTED` or whatever the host refused with; `DEADLINE` after
   *   `timeoutMs`; `CANNOT_HANDLE` when the host does not know the dialect
   */
  async opened(timeoutMs: number): Promise<void> {
    const { promise: grace, resolve: afterGrace } = Promise.withResolvers<"grace">();
    const timer = setTimeout(() => afterGrace("grace"), Math.min(METADATA_GRACE_MS, timeoutMs));
    try {
      const failed = this.ended.then((error) => {
        throw error;
      });
      const first = await Promise.race([this.#ready, grace, failed]);
      if (first === "grace") {
        const proof = this.client.getSubscriptions(timeoutMs);
        await Promise.race([
          this.#ready,
          failed,
          this.#channel === undefined ? proof : late(proof),
        ]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** True when the host has declared that it can do so, which AutoGen's does not. */
  can(capability: Capability): boolean {
    return this.#capabilities.has(capability);
  }

  /** Writes a frame. False: wait for {@link drained} before the next one. */
  write(bytes: Uint8Array): boolean {
    return this.#channel?.writeMessage(bytes) ?? this.#stream.write(bytes);
  }

  /** Calls `listener` each time that it can take more after a refused write. */
  onDrain(listener: () => void): void {
    if (this.#channel === undefined) {
      this.#stream.on("drain", listener);
    } else {
      this.#channel.onDrain(listener);
    }
  }

  /** Where reports of durable records go; undefined in AutoGen's dialect. */
  get outcomes(): DurableOutcomes | undefined {
    const channel = this.#channel;
    return channel === undefined
      ? undefined
      : {
          ack: (cursor, ranges) =>
            channel.report({ case: "ack", value: { cursor, ranges: ranges.map(BigInt) } }),
          nack: (cursor, position, error) =>
            channel.report({ case: "nack", value: { cursor, position: BigInt(position), error } }),
        };
  }

  answerGoingAway(): void {
    this.#channel?.answerGoingAway();
  }

  /** Tells the host that nothing more comes, after what was written; the host ends the stream then. */
  halfClose(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#channel?.flush();
    this.#stream.once("finish", resolve);
    this.#stream.end();
    return Promise.race([promise, this.ended.then(() => undefined)]);
  }

  /** Ends it at once. */
  close(): void {
    this.#channel?.close();
    this.#stream.cancel();
    this.client.close();
    this.#end(hostClosed());
  }

  #openChannel(options: HostLinkOptions, onWelcome: (welcome: HostWelcome) => void): LinkChannel {
    const { producer, lastInstance, registrations, onFrame, onCall, onBatch } = options;
    return new LinkChannel({
      stream: this.#stream,
      producer,
      lastInstance,
      registrations,
      maxMessageBytes: options.maxMessageBytes,
      registrationBytes: Math.min(MAX_REGISTRATION_BYTES, options.maxMessageBytes / 4),
      onWelcome,
      onMessage: onFrame,
      onCall,
      onBatch,
      onBadBatch: options.onBadBatch,
      onGoingAway: options.onGoingAway,
      onCursorFloor: options.onCursorFloor,
      onUnreadable: (error) => {
        this.#end(error);
        this.close();
      },
    });
  }
}

/** A host that answers a call proves the connection, but that it knows the dialect only its welcome does. */
async function late(proof: Promise<unknown>): Promise<never> {
  await proof;
  return await new Promise<never>(() => undefined);
}

function hostClosed(): AgentrtError {
  return new AgentrtError("NOT_CONNECTED", "The connection to the host ended.");
}
