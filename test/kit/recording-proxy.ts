import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { AGENT_RPC } from "../../src/wire/autogen/service.ts";
import { LINK } from "../../src/wire/link/service.ts";

/** One gRPC message of a call, as it went over the wire. */
export interface RecordedMessage {
  readonly from: "worker" | "host";
  readonly bytes: Uint8Array;
}

/** A gRPC call that went through the proxy, and its messages in their order. */
export interface RecordedCall {
  /** Such as `/agents.AgentRpc/OpenChannel`. */
  readonly method: string;
  readonly clientId: string;
  readonly messages: RecordedMessage[];
}

type Raw = MethodDefinition<Uint8Array, Uint8Array>;
type WorkerStream = ServerDuplexStream<Uint8Array, Uint8Array>;
type HostStream = ClientDuplexStream<Uint8Array, Uint8Array>;

/** Large enough for every message that a test sends. */
const OPTIONS = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** Stands between workers and a host, passes on what they say as it is, and keeps it. */
export class RecordingProxy implements Disposable {
  readonly calls: RecordedCall[] = [];
  readonly #server = new Server(OPTIONS);
  readonly #hostAddress: string;
  readonly #clients: Client[] = [];
  #port = 0;

  private constructor(hostAddress: string) {
    this.#hostAddress = hostAddress;
    const stream = (method: Raw) => (worker: WorkerStream) => this.#passStream(method, worker);
    const unary =
      (method: Raw) =>
      (call: ServerUnaryCall<Uint8Array, Uint8Array>, answer: sendUnaryData<Uint8Array>) =>
        this.#passCall(method, call, answer);
    this.#server.addService(LINK, { Open: stream(LINK.Open) });
    this.#server.addService(AGENT_RPC, {
      OpenChannel: stream(AGENT_RPC.OpenChannel),
      OpenControlChannel: stream(AGENT_RPC.OpenControlChannel),
      RegisterAgent: unary(AGENT_RPC.RegisterAgent),
      AddSubscription: unary(AGENT_RPC.AddSubscription),
      RemoveSubscription: unary(AGENT_RPC.RemoveSubscription),
      GetSubscriptions: unary(AGENT_RPC.GetSubscriptions),
    });
  }

  static async start(hostAddress: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(hostAddress);
    proxy.#port = await new Promise<number>((resolve, reject) => {
      proxy.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  [Symbol.dispose](): void {
    this.#server.forceShutdown();
    for (const client of this.#clients) {
      client.close();
    }
  }

  #record(method: Raw, metadata: Metadata): RecordedCall {
    const clientId = String(metadata.get("client-id")[0] ?? "");
    const call: RecordedCall = { method: method.path, clientId, messages: [] };
    this.calls.push(call);
    return call;
  }

  #client(): Client {
    const client = new Client(this.#hostAddress, credentials.createInsecure(), OPTIONS);
    this.#clients.push(client);
    return client;
  }

  #passStream(method: Raw, worker: WorkerStream): void {
    const { messages } = this.#record(method, worker.metadata);
    const host: HostStream = this.#client().makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      ownMetadata(worker.metadata),
    );
    worker.on("data", (bytes: Uint8Array) => {
      messages.push({ from: "worker", bytes: Buffer.from(bytes) });
      host.write(bytes);
    });
    worker.on("end", () => host.end());
    worker.on("cancelled", () => host.cancel());
    worker.on("error", () => host.cancel());
    host.on("metadata", (metadata) => worker.sendMetadata(metadata));
    host.on("data", (bytes: Uint8Array) => {
      messages.push({ from: "host", bytes: Buffer.from(bytes) });
      worker.write(bytes);
    });
    host.on("end", () => worker.end());
    host.on("error", (error) => worker.emit("error", error));
  }

  #passCall(
    method: Raw,
    call: ServerUnaryCall<Uint8Array, Uint8Array>,
    answer: sendUnaryData<Uint8Array>,
  ): void {
    const { messages } = this.#record(method, call.metadata);
    messages.push({ from: "worker", bytes: Buffer.from(call.request) });
    this.#client().makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      call.request,
      ownMetadata(call.metadata),
      (error, bytes) => {
        if (error === null && bytes !== undefined) {
          messages.push({ from: "host", bytes: Buffer.from(bytes) });
        }
        answer(error, bytes);
      },
    );
  }
}

/** What a peer says itself, without what gRPC adds. */
function ownMetadata(metadata: Metadata): Metadata {
  const own = new Metadata();
  for (const name of Object.keys(metadata.getMap())) {
    if (name === "client-id" || name.startsWith("agentrt-")) {
      for (const value of metadata.get(name)) {
        own.add(name, value);
      }
    }
  }
  return own;
}
