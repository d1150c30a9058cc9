import { fromBinary } from "@bufbuild/protobuf";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import type { Envelope } from "../../src/core/envelope.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/autogen/codec.ts";
import { AGENT_RPC } from "../../src/wire/autogen/service.ts";
import { RegisterAgentTypeRequestSchema } from "../../src/wire/gen/agents/agent_worker_pb.ts";

type Stream = ServerDuplexStream<Uint8Array, Uint8Array>;

export interface FakeHostOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** False: the stream stays without the host's initial metadata. Default: true. */
  readonly sendsMetadata?: boolean;
  /** False: messages are not read, so that the worker's writes pile up. Default: true. */
  readonly reads?: boolean;
}

/** A host that does what a test tells it to, and has no control channel. */
export class FakeHost implements AsyncDisposable {
  readonly received: Envelope[] = [];
  readonly registered: string[] = [];
  readonly streams: Stream[] = [];
  readonly #server: Server;
  readonly #options: FakeHostOptions;
  #port = 0;

  private constructor(options: FakeHostOptions) {
    this.#options = options;
    this.#server = new Server();
    const empty = (_call: unknown, callback: (error: null, bytes: Uint8Array) => void): void =>
      callback(null, new Uint8Array(0));
    this.#server.addService(AGENT_RPC, {
      OpenChannel: (stream: Stream) => this.#accept(stream),
      RegisterAgent: (call: { request: Uint8Array }, callback: Parameters<typeof empty>[1]) => {
        this.registered.push(fromBinary(RegisterAgentTypeRequestSchema, call.request).type);
        callback(null, new Uint8Array(0));
      },
      AddSubscription: empty,
      RemoveSubscription: empty,
      GetSubscriptions: empty,
    });
  }

  static async start(options: FakeHostOptions = {}): Promise<FakeHost> {
    const host = new FakeHost(options);
    host.#port = await new Promise<number>((resolve, reject) => {
      host.#server.bindAsync(
        `127.0.0.1:${options.port ?? 0}`,
        ServerCredentials.createInsecure(),
        (error, port) => (error === null ? resolve(port) : reject(error)),
      );
    });
    return host;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  send(envelope: Envelope): void {
    this.sendBytes(encodeMessage(envelope));
  }

  sendBytes(bytes: Uint8Array): void {
    this.streams.at(-1)?.write(bytes);
  }

  /** Ends the stream of now with an error, as a host that fails. */
  breakStream(): void {
    this.streams.at(-1)?.emit("error", { code: status.UNAVAILABLE, details: "broken by the test" });
  }

  read(): void {
    this.streams.at(-1)?.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  #accept(stream: Stream): void {
    this.streams.push(stream);
    if (this.#options.sendsMetadata !== false) {
      stream.sendMetadata(new Metadata());
    }
    stream.on("data", (bytes: Uint8Array) => this.received.push(decodeMessage(bytes)));
    stream.on("end", () => stream.end());
    stream.on("error", () => undefined);
    if (this.#options.reads === false) {
      stream.pause();
    }
  }
}
