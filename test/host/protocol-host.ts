import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { createAgentRpc } from "../../src/host/agent-rpc.ts";
import { CODE_HEADER } from "../../src/wire/grpc-status.ts";
import { FakeStream, InMemoryHost } from "./in-memory-host.ts";

type Method = "RegisterAgent" | "AddSubscription" | "RemoveSubscription" | "GetSubscriptions";
type Reply = (error: StatusObject | null, answer?: Uint8Array) => void;
type Handlers = Readonly<Record<string, (call: object, reply?: Reply) => void>>;

/** The code that a stream or call ended with. */
export function codeOf(status: StatusObject | null | undefined): string {
  return String(status?.metadata.get(CODE_HEADER)[0] ?? "");
}

/** A stream as gRPC gives it to the host, with what a client says on it. */
export class ClientStream extends FakeStream {
  readonly metadata: Metadata;
  hasHeaders = false;
  #seen = 0;

  constructor(metadata: Metadata) {
    super();
    this.metadata = metadata;
  }

  sendMetadata(): void {
    this.hasHeaders = true;
  }

  say(bytes: Uint8Array): void {
    this.emit("data", bytes);
  }

  /** The client closes its side. What the host makes of it takes a turn of the event loop. */
  async close(): Promise<void> {
    this.emit("end");
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** The connection breaks. */
  break(): void {
    this.cancelled = true;
    this.emit("cancelled");
  }

  /** What has come since this was asked last. */
  fresh(): readonly Uint8Array[] {
    const frames = this.frames.slice(this.#seen);
    this.#seen = this.frames.length;
    return frames;
  }
}

/** Everything of a host from the bytes on, but its network. */
export class ProtocolHost extends InMemoryHost {
  readonly #rpc = createAgentRpc({
    ...{ options: this.options, registry: this.registry, router: this.router },
    ...{ controlRouter: this.controlRouter, presence: this.presence, totals: this.totals },
    ...{ incidents: this.incidents, sessions: this.sessions, enrolment: this.enrolment },
    durable: this.durable,
    fullQueue: this.fullQueue,
    hangUp: () => undefined,
    onCall: () => undefined,
    isDraining: () => false,
    tracing: undefined,
  }) as unknown as Handlers;

  open(method: "OpenChannel" | "OpenControlChannel", ...clientIds: string[]): ClientStream {
    const stream = new ClientStream(metadataOf(clientIds));
    this.#rpc[method]?.(stream);
    return stream;
  }

  /** @returns the answer, or the agentrt code of the refusal */
  call(method: Method, clientIds: readonly string[], request: Uint8Array): Uint8Array | string {
    let outcome: Uint8Array | string = "no answer";
    const call = { request, metadata: metadataOf(clientIds), getPeer: () => "127.0.0.1:3" };
    this.#rpc[method]?.(call, (error, answer) => {
      outcome = answer ?? codeOf(error);
    });
    return outcome;
  }
}

function metadataOf(clientIds: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const clientId of clientIds) {
    metadata.add("client-id", clientId);
  }
  return metadata;
}
