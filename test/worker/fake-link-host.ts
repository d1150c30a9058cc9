import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Metadata, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { AGENT_RPC } from "../../src/wire/autogen/service.ts";
import {
  type FrameSchema,
  type Hello,
  OpenRequestSchema,
  OpenResponseSchema,
  type WelcomeSchema,
} from "../../src/wire/gen/agentrt/v1/link_pb.ts";
import {
  AddSubscriptionRequestSchema,
  RegisterAgentTypeRequestSchema,
  RemoveSubscriptionRequestSchema,
} from "../../src/wire/gen/agents/agent_worker_pb.ts";
import { type LinkFrame, readPacket } from "../../src/wire/link/frames.ts";
import { LINK } from "../../src/wire/link/service.ts";

type Stream = ServerDuplexStream<Uint8Array, Uint8Array>;
type Reply = (error: null, bytes: Uint8Array) => void;

/** What a host of the first form of the dialect said: nothing of capabilities and registrations. */
export const FIRST_WELCOME = {
  version: 1,
  instance: "one",
  windowBytes: 1_000_000n,
  maxMessageBytes: 4_194_304,
  maxRoutes: 1_000,
} as const;

/** A host that speaks agentrt.v1.Link as its .proto file says, and does what a test tells it to. */
export class FakeLinkHost implements AsyncDisposable {
  readonly hellos: Hello[] = [];
  /** Everything that came, as our own reader reads it. */
  readonly frames: LinkFrame[] = [];
  /** The unary calls, in the order in which they came. */
  readonly calls: string[] = [];
  readonly streams: Stream[] = [];
  readonly #server = new Server();
  #port = 0;

  private constructor(onHello: (hello: Hello, welcome: FakeLinkHost["welcome"]) => void) {
    this.#server.addService(LINK, {
      Open: (stream: Stream) => {
        this.streams.push(stream);
        stream.sendMetadata(new Metadata());
        stream.on("end", () => stream.end());
        stream.on("error", () => undefined);
        stream.on("data", (bytes: Uint8Array) => {
          this.frames.push(...readPacket(bytes));
          for (const { frame } of fromBinary(OpenRequestSchema, bytes).frames) {
            if (frame.case === "hello") {
              this.hellos.push(frame.value);
              onHello(frame.value, (value) => this.welcome(value));
            }
          }
        });
      },
    });
    const noted =
      (what: (request: Uint8Array) => string) =>
      (call: { request: Uint8Array }, reply: Reply): void => {
        this.calls.push(what(call.request));
        reply(null, new Uint8Array(0));
      };
    this.#server.addService(AGENT_RPC, {
      RegisterAgent: noted((bytes) => fromBinary(RegisterAgentTypeRequestSchema, bytes).type),
      AddSubscription: noted((bytes) => {
        const { subscription } = fromBinary(AddSubscriptionRequestSchema, bytes).subscription ?? {};
        return `${subscription?.value?.agentType} subscribes`;
      }),
      RemoveSubscription: noted(
        (bytes) => `remove ${fromBinary(RemoveSubscriptionRequestSchema, bytes).id}`,
      ),
      GetSubscriptions: noted(() => "proof"),
    });
  }

  static async start(
    onHello: (hello: Hello, welcome: FakeLinkHost["welcome"]) => void = (_, welcome) =>
      welcome(FIRST_WELCOME),
  ): Promise<FakeLinkHost> {
    const host = new FakeLinkHost(onHello);
    host.#port = await new Promise<number>((resolve, reject) => {
      host.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return host;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  welcome(value: MessageInitShape<typeof WelcomeSchema>): void {
    this.send({ case: "welcome", value });
  }

  send(...frames: readonly NonNullable<MessageInitShape<typeof FrameSchema>["frame"]>[]): void {
    const packet = create(OpenResponseSchema, { frames: frames.map((frame) => ({ frame })) });
    this.sendBytes(toBinary(OpenResponseSchema, packet));
  }

  sendBytes(packet: Uint8Array): void {
    this.streams.at(-1)?.write(packet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}
