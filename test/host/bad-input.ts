/** What a peer can send that is not the protocol, and a host that has to stand it. */ import {
  afterAll,
  beforeAll,
  expect,
} from "bun:test";
import { connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import type { HostTotals } from "../../src/core/host-report.ts";
import type { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import { MessageSchema } from "../../src/wire/gen/agents/agent_worker_pb.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact } from "./in-memory-host.ts";
import { DEADLINE_MS, startHost, WireWorker } from "./wire-worker.ts";

export const MAX_MESSAGE_BYTES = 256 * 1024;
export const OPEN_CHANNEL = "/agents.AgentRpc/OpenChannel";
export const GET_SUBSCRIPTIONS = "/agents.AgentRpc/GetSubscriptions";

/** A host, and a worker that was there all the time. */
export interface WitnessedHost {
  readonly host: () => GrpcWorkerAgentRuntimeHost;
  readonly witness: () => WireWorker;
  readonly total: (name: keyof HostTotals) => number;
  readonly grown: (name: keyof HostTotals, before: number, by?: number) => Promise<void>;
  /** The witness and a worker that comes now both get what they should. */
  readonly expectAllWell: () => Promise<void>;
}

/** Starts the host before the tests of a file and stops it after them. */
export function useWitnessedHost(): WitnessedHost {
  let started:
    | { readonly host: GrpcWorkerAgentRuntimeHost; readonly witness: WireWorker }
    | undefined;
  let calls = 0;
  const running = (): NonNullable<typeof started> => {
    if (started === undefined) {
      throw new Error("The host runs while the tests run, not before.");
    }
    return started;
  };
  beforeAll(async () => {
    const host = await startHost({ maxMessageBytes: MAX_MESSAGE_BYTES, handshakeTimeoutMs: 300 });
    const witness = await WireWorker.join(host.address, "witness");
    await witness.client.registerAgent("witness", DEADLINE_MS);
    await witness.client.addSubscription(exact("witnessed", "witness"), DEADLINE_MS);
    started = { host, witness };
  });
  afterAll(async () => {
    const { host, witness } = running();
    witness[Symbol.dispose]();
    await host.stop();
  });
  const total = (name: keyof HostTotals): number => running().host.report().totals[name];
  return {
    host: () => running().host,
    witness: () => running().witness,
    total,
    grown: async (name, before, by = 1) => {
      await waitFor(() => total(name) >= before + by, { what: `${name} to grow by ${by}` });
    },
    expectAllWell: async () => {
      const { host, witness } = running();
      calls += 1;
      using newcomer = await WireWorker.join(host.address, `newcomer ${calls}`);
      const seen = witness.channel.received.length;
      newcomer.send(event(`e${calls}`, "witnessed"));
      const events = await witness.channel.waitFor(seen + 1);
      expect(events.at(-1)).toMatchObject({ id: `e${calls}` });
      expect(witness.channel.status).toBeUndefined();
      expect(host.state).toBe("ready");
    },
  };
}

/** A connection that says what it likes. */
export class RawConnection implements Disposable {
  readonly socket: Socket;
  readonly closed: Promise<void>;

  constructor(address: string) {
    const [name, port] = address.split(":");
    this.socket = connect({ host: name ?? "", port: Number(port) });
    // A connection that is reset is closed as well.
    this.socket.on("error", () => undefined);
    this.socket.resume();
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const SETTINGS = Buffer.from("000000040000000000", "hex");

export function http2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export interface Http2Answer {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly error: unknown;
}

/** One HTTP/2 request with any headers and bytes. */
export async function http2Request(
  address: string,
  headers: Record<string, string>,
  body: Uint8Array = new Uint8Array(0),
): Promise<Http2Answer> {
  const session = connectHttp2(`http://${address}`);
  const answer: { headers: Record<string, unknown>; error: unknown } = { headers: {}, error: null };
  const note = (error: unknown): void => {
    answer.error ??= error;
  };
  session.on("error", note);
  const { resolve, promise } = Promise.withResolvers<void>();
  session.on("close", resolve);
  try {
    const stream = session.request({ [constants.HTTP2_HEADER_METHOD]: "POST", ...headers });
    stream.on("error", note);
    stream.on("response", (received) => Object.assign(answer.headers, received));
    stream.on("trailers", (received) => Object.assign(answer.headers, received));
    stream.on("close", resolve);
    stream.resume();
    stream.end(body);
  } catch (error) {
    note(error);
    resolve();
  }
  await promise;
  session.destroy();
  return answer;
}

export const grpcHeaders = (
  path: string,
  more: Record<string, string> = {},
): Record<string, string> => ({
  ":path": path,
  "content-type": "application/grpc",
  te: "trailers",
  "client-id": "http2",
  ...more,
});

/** A gRPC message with a length of its own choice. */
export function grpcMessage(body: Uint8Array, length = body.byteLength, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

export const messageBytes = (
  message: Parameters<typeof create<typeof MessageSchema>>[1],
): Uint8Array => toBinary(MessageSchema, create(MessageSchema, message));
