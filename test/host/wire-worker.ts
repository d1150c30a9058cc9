import { Client, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import type { ControlEnvelope } from "../../src/core/control.ts";
import type { Envelope } from "../../src/core/envelope.ts";
import { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import type { HostOptions } from "../../src/host/options.ts";
import { AgentRpcClient, type FrameStream } from "../../src/wire/autogen/client.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/autogen/codec.ts";
import { decodeControl, encodeControl } from "../../src/wire/autogen/control-codec.ts";
import { waitFor } from "../kit/wait.ts";

export const DEADLINE_MS = 5_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export async function startHost(
  options: Partial<HostOptions> = {},
): Promise<GrpcWorkerAgentRuntimeHost> {
  const host = new GrpcWorkerAgentRuntimeHost({
    listen: "127.0.0.1:0",
    drainTimeoutMs: 100,
    ...options,
  });
  await host.start();
  return host;
}

/** One stream as a client sees it: when it opened, what came, how it ended. */
export class WireStream<T> {
  readonly stream: FrameStream;
  readonly received: T[] = [];
  /** Resolves when the host's headers have come, or the stream has ended before. */
  readonly opened: Promise<void>;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<StatusObject>;
  #status: StatusObject | undefined;

  constructor(stream: FrameStream, decode: (bytes: Uint8Array) => T) {
    this.stream = stream;
    stream.on("data", (bytes: Uint8Array) => this.received.push(decode(bytes)));
    // The status says the same.
    stream.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      stream.on("status", (status: StatusObject) => {
        this.#status = status;
        resolve(status);
      });
    });
    this.opened = new Promise((resolve) => {
      stream.on("metadata", () => resolve());
      stream.on("status", () => resolve());
    });
  }

  get status(): StatusObject | undefined {
    return this.#status;
  }

  /** Waits until so many have come, and returns all. */
  async waitFor(count: number): Promise<readonly T[]> {
    await waitFor(() => this.received.length >= count, {
      what: `${count} messages, of which ${this.received.length} came`,
    });
    return this.received;
  }
}

/** A worker that speaks AutoGen's protocol by hand. */
export class WireWorker implements Disposable {
  readonly client: AgentRpcClient;
  readonly channel: WireStream<Envelope>;

  constructor(address: string, clientId: string) {
    this.client = new AgentRpcClient(address, clientId, { maxMessageBytes: MAX_MESSAGE_BYTES });
    this.channel = new WireStream(this.client.openChannel(), decodeMessage);
  }

  static async join(address: string, clientId: string): Promise<WireWorker> {
    const worker = new WireWorker(address, clientId);
    await worker.channel.opened;
    return worker;
  }

  send(envelope: Envelope): void {
    this.channel.stream.write(encodeMessage(envelope));
  }

  async openControl(): Promise<WireStream<ControlEnvelope>> {
    const control = new WireStream(this.client.openControlChannel(), decodeControl);
    await control.opened;
    return control;
  }

  /** Answers each call with what it was asked. */
  echo(): void {
    this.channel.stream.on("data", (bytes: Uint8Array) => {
      const envelope = decodeMessage(bytes);
      if (envelope.kind === "request") {
        const { id, payload } = envelope;
        this.send({ kind: "response", id, error: "", headers: {}, payload });
      }
    });
  }

  [Symbol.dispose](): void {
    this.channel.stream.cancel();
    this.client.close();
  }
}

export function sendControl(stream: WireStream<ControlEnvelope>, envelope: ControlEnvelope): void {
  stream.stream.write(encodeControl(envelope));
}

export interface RawAnswer {
  readonly status: StatusObject;
  readonly messages: readonly Uint8Array[];
}

/** A client of any method with any bytes and metadata. */
export class RawClient implements Disposable {
  readonly #client: Client;

  constructor(address: string, options: ConstructorParameters<typeof Client>[2] = {}) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
      ...options,
    });
  }

  open(path: string, headers: Readonly<Record<string, string>> = {}): WireStream<Uint8Array> {
    const stream = this.#client.makeBidiStreamRequest(path, Buffer.from, asIs, metadataOf(headers));
    return new WireStream(stream as FrameStream, asIs);
  }

  /** Sends one message and waits for the end. */
  async call(
    path: string,
    message: Uint8Array = new Uint8Array(0),
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    const stream = this.open(path, headers);
    stream.stream.end(message);
    return { status: await stream.ended, messages: stream.received };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    metadata.set(name, value);
  }
  return metadata;
}

function asIs(bytes: Uint8Array): Uint8Array {
  return bytes;
}
