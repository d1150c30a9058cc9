import type { Metadata } from "@grpc/grpc-js";
import { AgentrtError } from "../core/errors.ts";
import { AgentRpcClient, type FrameStream } from "../wire/autogen/client.ts";
import { type Capability, capabilitiesIn } from "../wire/capabilities.ts";
import { fromServiceError } from "../wire/grpc-status.ts";

export interface HostLinkOptions {
  readonly hostAddress: string;
  readonly clientId: string;
  readonly maxMessageBytes: number;
  /** Metadata of the channel for messages, beside the client id. */
  readonly channelMetadata: () => Metadata | undefined;
  readonly onFrame: (bytes: Uint8Array) => void;
}

/**
 * How long an open stream may stay without the host's initial metadata before a unary call is
 * asked to prove the connection instead: a host may send metadata with its first message only.
 */
const METADATA_GRACE_MS = 200;

/** One connection to the host, from dialling to its end; it is never used again after that. */
export class HostLink {
  readonly client: AgentRpcClient;
  /** Resolves, never rejects, with the reason when the stream is over. */
  readonly ended: Promise<AgentrtError>;
  readonly #stream: FrameStream;
  readonly #metadata: Promise<void>;
  #capabilities: ReadonlySet<Capability> = new Set();
  readonly #end: (error: AgentrtError) => void;

  constructor(options: HostLinkOptions) {
    const { hostAddress, clientId, maxMessageBytes } = options;
    this.client = new AgentRpcClient(hostAddress, clientId, { maxMessageBytes });
    const { promise: ended, resolve: end } = Promise.withResolvers<AgentrtError>();
    const { promise: metadata, resolve: gotMetadata } = Promise.withResolvers<void>();
    this.ended = ended;
    this.#end = end;
    this.#metadata = metadata;
    this.#stream = this.client.openChannel(options.channelMetadata());
    this.#stream.on("metadata", (declared) => {
      this.#capabilities = capabilitiesIn(declared);
      gotMetadata();
    });
    this.#stream.on("data", options.onFrame);
    this.#stream.on("error", (error) => end(fromServiceError(error)));
    // grpc-js emits the error before the end, so an orderly end is what is left.
    this.#stream.on("end", () => end(hostClosed()));
  }

  /**
   * Resolves when the host has answered.
   * @throws AgentrtError `NOT_CONNECTED` or whatever the host refused with; `DEADLINE` after `timeoutMs`
   */
  async opened(timeoutMs: number): Promise<void> {
    const { promise: grace, resolve: afterGrace } = Promise.withResolvers<"grace">();
    const timer = setTimeout(() => afterGrace("grace"), Math.min(METADATA_GRACE_MS, timeoutMs));
    try {
      const failed = this.ended.then((error) => {
        throw error;
      });
      const first = await Promise.race([this.#metadata, grace, failed]);
      if (first === "grace") {
        await Promise.race([this.#metadata, this.client.getSubscriptions(timeoutMs), failed]);
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
    return this.#stream.write(bytes);
  }

  /** Calls `listener` each time the stream can take more after a refused write. */
  onDrain(listener: () => void): void {
    this.#stream.on("drain", listener);
  }

  /** Tells the host that nothing more comes, after what was written; the host ends the stream then. */
  halfClose(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stream.once("finish", resolve);
    this.#stream.end();
    return Promise.race([promise, this.ended.then(() => undefined)]);
  }

  /** Ends it at once. */
  close(): void {
    this.#stream.cancel();
    this.client.close();
    this.#end(hostClosed());
  }
}

function hostClosed(): AgentrtError {
  return new AgentrtError("NOT_CONNECTED", "The connection to the host ended.");
}
