/** What is not the protocol gets the right status or a closed connection, is counted, and harms nobody. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { type StatusObject, status } from "@grpc/grpc-js";
import type { HostTotals } from "../../src/core/host-report.ts";
import type { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import { MessageSchema } from "../../src/wire/gen/agents/agent_worker_pb.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, request, textOf } from "./in-memory-host.ts";
import { DEADLINE_MS, RawClient, startHost, WireWorker } from "./wire-worker.ts";

const MAX_MESSAGE_BYTES = 256 * 1024;
const OPEN_CHANNEL = "/agents.AgentRpc/OpenChannel";
const GET_SUBSCRIPTIONS = "/agents.AgentRpc/GetSubscriptions";

let host: GrpcWorkerAgentRuntimeHost;
let witness: WireWorker;
let calls = 0;

beforeAll(async () => {
  host = await startHost({ maxMessageBytes: MAX_MESSAGE_BYTES, handshakeTimeoutMs: 300 });
  witness = await WireWorker.join(host.address, "witness");
  await witness.client.registerAgent("witness", DEADLINE_MS);
  await witness.client.addSubscription(exact("witnessed", "witness"), DEADLINE_MS);
});

afterAll(async () => {
  witness[Symbol.dispose]();
  await host.stop();
});

/** A worker that was there all the time and one that comes now both get what they should. */
async function expectAllWell(): Promise<void> {
  calls += 1;
  using newcomer = await WireWorker.join(host.address, `newcomer ${calls}`);
  const seen = witness.channel.received.length;
  newcomer.send(event(`e${calls}`, "witnessed"));
  const events = await witness.channel.waitFor(seen + 1);
  expect(events.at(-1)).toMatchObject({ id: `e${calls}` });
  expect(witness.channel.status).toBeUndefined();
  expect(host.state).toBe("ready");
}

const total = (name: keyof HostTotals): number => host.report().totals[name];

async function grown(name: keyof HostTotals, before: number, by = 1): Promise<void> {
  await waitFor(() => total(name) >= before + by, { what: `${name} to grow by ${by}` });
}

/** A connection that says what it likes. */
class RawConnection implements Disposable {
  readonly socket: Socket;
  readonly closed: Promise<void>;

  constructor() {
    const [name, port] = host.address.split(":");
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

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from("000000040000000000", "hex");

function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const TLS_CLIENT_HELLO = Buffer.from(
  `160301002f0100002b0303${"ab".repeat(32)}000004130113020100`,
  "hex",
);

describe("bad input - connections that are not HTTP/2", () => {
  test.each([
    ["an HTTP/1.1 request", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a TLS ClientHello", TLS_CLIENT_HELLO],
    ["random bytes", crypto.getRandomValues(Buffer.alloc(4_096))],
    ["zeros", Buffer.alloc(100_000)],
    ["a preface and noise", Buffer.concat([PREFACE, crypto.getRandomValues(Buffer.alloc(4_096))])],
    [
      "a frame larger than allowed",
      Buffer.concat([
        PREFACE,
        SETTINGS,
        Buffer.from("ffffff000000000001", "hex"),
        Buffer.alloc(64),
      ]),
    ],
    [
      "headers that are no HPACK",
      Buffer.concat([PREFACE, SETTINGS, http2Frame(1, 4, 1, Buffer.alloc(64, 0xff))]),
    ],
    ["a stream of id 0", Buffer.concat([PREFACE, SETTINGS, http2Frame(1, 4, 0, Buffer.of(0x82))])],
  ])("bad input - %s: the connection is closed and counted", async (_what, bytes) => {
    const before = total("connectionsBroken");
    using connection = new RawConnection();
    connection.socket.write(bytes);
    await connection.closed;
    await grown("connectionsBroken", before);
    await expectAllWell();
  });

  test("bad input - a connection that says nothing is closed after the time for it", async () => {
    const before = total("connectionsBroken");
    using connection = new RawConnection();
    await connection.closed;
    await grown("connectionsBroken", before);
    expect(host.report().errors[0]).toMatchObject({
      code: "BAD_FRAME",
      message: "A connection broke: no call within 300 ms.",
    });
    await expectAllWell();
  });

  test("bad input - a connection that speaks HTTP/2 but makes no call is closed too", async () => {
    using connection = new RawConnection();
    connection.socket.write(Buffer.concat([PREFACE, SETTINGS]));
    await connection.closed;
    await expectAllWell();
  });

  test("bad input - more connections than the limit are closed at once and counted", async () => {
    await using small = await startHost({ maxConnections: 2 });
    using _first = await WireWorker.join(small.address, "1");
    using second = await WireWorker.join(small.address, "2");
    using third = new RawClient(small.address);
    expect((await third.call(GET_SUBSCRIPTIONS)).status.code).toBe(status.UNAVAILABLE);
    expect(small.report().totals).toMatchObject({ connectionsAccepted: 2, connectionsRefused: 1 });
    second[Symbol.dispose]();
    await waitFor(
      async () => {
        using next = new RawClient(small.address);
        return (await next.call(GET_SUBSCRIPTIONS)).status.code === status.INVALID_ARGUMENT;
      },
      { what: "room for a connection" },
    );
  });
});

interface Http2Answer {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly error: unknown;
}

/** One HTTP/2 request with any headers and bytes. */
async function http2Request(
  headers: Record<string, string>,
  body: Uint8Array = new Uint8Array(0),
): Promise<Http2Answer> {
  const session = connectHttp2(`http://${host.address}`);
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

const grpcHeaders = (path: string, more: Record<string, string> = {}): Record<string, string> => ({
  ":path": path,
  "content-type": "application/grpc",
  te: "trailers",
  "client-id": "http2",
  ...more,
});

/** A gRPC message with a length of its own choice. */
function grpcMessage(body: Uint8Array, length = body.byteLength, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

describe("bad input - HTTP/2 that is not gRPC", () => {
  test("bad input - another content-type is answered by HTTP status 415", async () => {
    const headers = { ...grpcHeaders(GET_SUBSCRIPTIONS), "content-type": "text/html" };
    expect((await http2Request(headers)).headers[":status"]).toBe(415);
    await expectAllWell();
  });

  test.each([
    "/agents.AgentRpc/NoSuchMethod",
    "/no.such.Service/OpenChannel",
    "/",
    `/agents.AgentRpc/${"x".repeat(5_000)}`,
  ])("bad input - an unknown method is UNIMPLEMENTED and counted (%#)", async (path) => {
    const before = total("rpcsFailed");
    const { headers } = await http2Request(grpcHeaders(path), grpcMessage(Buffer.alloc(0)));
    expect(headers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
    await grown("rpcsFailed", before);
    await expectAllWell();
  });

  test("bad input - 100,000 headers do not get through, and the host stays", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, number) => [`x-header-${number}`, "value"]),
    );
    const { headers } = await http2Request(grpcHeaders(GET_SUBSCRIPTIONS, many));
    expect(headers["grpc-status"]).not.toBe(String(status.OK));
    await expectAllWell();
  });

  test("bad input - a header of a megabyte does not get through, and the host stays", async () => {
    const huge = { "x-huge": "x".repeat(1_000_000) };
    const { headers } = await http2Request(grpcHeaders(GET_SUBSCRIPTIONS, huge));
    expect(headers["grpc-status"]).not.toBe(String(status.OK));
    await expectAllWell();
  });

  test("bad input - header blocks without end are cut off", async () => {
    using connection = new RawConnection();
    connection.socket.write(
      Buffer.concat([PREFACE, SETTINGS, http2Frame(1, 0, 1, Buffer.alloc(0))]),
    );
    // A literal header without indexing, again and again, in CONTINUATION frames that never end.
    const literal = Buffer.concat([
      Buffer.of(0x00, 1),
      Buffer.from("a"),
      Buffer.of(100),
      Buffer.alloc(100, 97),
    ]);
    const more = http2Frame(9, 0, 1, Buffer.concat(Array.from({ length: 100 }, () => literal)));
    const before = process.memoryUsage.rss();
    for (let number = 0; number < 5_000 && !connection.socket.destroyed; number += 1) {
      if (!connection.socket.write(more)) {
        await Promise.race([
          new Promise((resolve) => connection.socket.once("drain", resolve)),
          connection.closed,
        ]);
      }
    }
    await connection.closed;
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    await expectAllWell();
  });

  test.each([
    ["a length that promises more than comes", grpcMessage(Buffer.from("abc"), 100)],
    ["half a length", Buffer.of(0, 0, 0)],
    ["a length of four gigabytes", grpcMessage(Buffer.from("abc"), 0xffff_ffff)],
    [
      "two messages where there is one",
      Buffer.concat([grpcMessage(Buffer.alloc(0)), grpcMessage(Buffer.alloc(0))]),
    ],
  ])("bad input - %s ends the call with an error, counted", async (_what, body) => {
    const before = total("rpcsFailed");
    const { headers } = await http2Request(grpcHeaders(GET_SUBSCRIPTIONS), body);
    expect(headers["grpc-status"]).toMatch(/^[1-9]\d*$/);
    await grown("rpcsFailed", before);
    await expectAllWell();
  });

  test("bad input - a half frame on a stream ends the worker, not the host", async () => {
    const left = total("workersLeft");
    await http2Request(grpcHeaders(OPEN_CHANNEL), grpcMessage(Buffer.from("abc"), 100));
    await grown("workersLeft", left);
    await expectAllWell();
  });

  test("bad input - zeros that gzip made small are refused at the message limit", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
    expect(bomb.byteLength).toBeLessThan(MAX_MESSAGE_BYTES);
    const before = process.memoryUsage.rss();
    const headers = grpcHeaders(GET_SUBSCRIPTIONS, { "grpc-encoding": "gzip" });
    const answer = await http2Request(headers, grpcMessage(bomb, bomb.byteLength, 1));
    expect(answer.headers["grpc-status"]).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024);
    await expectAllWell();
  });

  test("bad input - bytes that are marked as gzip and are not end the call", async () => {
    const headers = grpcHeaders(GET_SUBSCRIPTIONS, { "grpc-encoding": "gzip" });
    const answer = await http2Request(headers, grpcMessage(Buffer.from("not gzip"), 8, 1));
    expect(answer.headers["grpc-status"]).toMatch(/^[1-9]\d*$/);
    await expectAllWell();
  });

  test("bad input - an encoding that does not exist is UNIMPLEMENTED", async () => {
    const headers = grpcHeaders(GET_SUBSCRIPTIONS, { "grpc-encoding": "nonsense" });
    const answer = await http2Request(headers, grpcMessage(Buffer.from("abc"), 3, 1));
    expect(answer.headers["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
    await expectAllWell();
  });
});

const messageBytes = (message: Parameters<typeof create<typeof MessageSchema>>[1]): Uint8Array =>
  toBinary(MessageSchema, create(MessageSchema, message));

function expectTooLarge(end: StatusObject): void {
  expect(end.code).toBe(status.RESOURCE_EXHAUSTED);
  expect(end.metadata.get("agentrt-code")).toEqual(["TOO_LARGE"]);
  expect(end.details).toStartWith("Received message larger than max (");
  expect(end.details).toEndWith(
    `vs ${MAX_MESSAGE_BYTES}). The host's limit is max-message-size; send less, or raise it on the host and its workers.`,
  );
}

describe("bad input - gRPC that is not the protocol", () => {
  test("bad input - an oversized unary message is RESOURCE_EXHAUSTED, and counted", async () => {
    const before = total("limitsHit");
    using client = new RawClient(host.address);
    const { status: end } = await client.call(
      GET_SUBSCRIPTIONS,
      Buffer.alloc(MAX_MESSAGE_BYTES + 1),
      {
        "client-id": "large",
      },
    );
    expectTooLarge(end);
    await grown("limitsHit", before);
    await expectAllWell();
  });

  test("bad input - an oversized message on a stream ends it with RESOURCE_EXHAUSTED, and is counted", async () => {
    const [left, before] = [total("workersLeft"), total("limitsHit")];
    using worker = await WireWorker.join(host.address, "large");
    worker.send(event("e", "witnessed", {}, "x".repeat(MAX_MESSAGE_BYTES)));
    expectTooLarge(await worker.channel.ended);
    await grown("workersLeft", left);
    await grown("limitsHit", before);
    await expectAllWell();
  });

  test("bad input - a message of just the limit goes through", async () => {
    using worker = await WireWorker.join(host.address, "just");
    const overhead = 200;
    worker.send(event("just", "witnessed", {}, "x".repeat(MAX_MESSAGE_BYTES - overhead)));
    const isThere = () => witness.channel.received.find(({ id }) => id === "just");
    const received = await waitFor(isThere, { what: "the large message" });
    expect(textOf(received).length).toBe(MAX_MESSAGE_BYTES - overhead);
  });

  test("bad input - bytes that are no message end the worker with INVALID_ARGUMENT", async () => {
    const before = host.report().totals;
    using client = new RawClient(host.address);
    const stream = client.open(OPEN_CHANNEL, { "client-id": "noise" });
    await stream.opened;
    stream.stream.write(Buffer.alloc(50, 0xff));
    expect((await stream.ended).code).toBe(status.INVALID_ARGUMENT);
    await grown("badFrames", before.badFrames);
    await grown("workersExpelled", before.workersExpelled);
    expect(host.report().workers.map(({ clientId }) => clientId)).not.toContain("noise");
    await expectAllWell();
  });

  test("bad input - the same on a control channel", async () => {
    const before = host.report().totals;
    using worker = await WireWorker.join(host.address, "noise");
    const control = await worker.openControl();
    control.stream.write(Buffer.alloc(50, 0xff));
    expect((await worker.channel.ended).code).toBe(status.INVALID_ARGUMENT);
    await grown("badFrames", before.badFrames);
    await expectAllWell();
  });

  test.each([
    ["an empty message", new Uint8Array(0)],
    [
      "an illegal topic type",
      messageBytes({
        message: { case: "cloudEvent", value: { id: "1", type: "a b", source: "s" } },
      }),
    ],
    [
      "a topic type of a hundred kilobytes",
      messageBytes({
        message: { case: "cloudEvent", value: { id: "1", type: "a".repeat(100_000), source: "s" } },
      }),
    ],
    [
      "a time that no calendar has",
      messageBytes({
        message: {
          case: "cloudEvent",
          value: {
            ...{ id: "1", type: "t", source: "s" },
            attributes: { time: { attr: { case: "ceTimestamp", value: { seconds: 1n << 62n } } } },
          },
        },
      }),
    ],
    ["a response without id", messageBytes({ message: { case: "response", value: {} } })],
  ])("bad input - %s is counted and shown, and the worker stays", async (_what, bytes) => {
    const before = total("badFrames");
    using client = new RawClient(host.address);
    const stream = client.open(OPEN_CHANNEL, { "client-id": "odd" });
    await stream.opened;
    stream.stream.write(bytes);
    await grown("badFrames", before);
    expect(host.report().errors[0]).toMatchObject({ where: "odd" });
    expect(stream.status).toBeUndefined();
    expect(host.report().topics.every(({ topicType }) => topicType.length <= 1_024)).toBe(true);
    await expectAllWell();
  });

  test("bad input - a call of an illegal agent type is answered", async () => {
    using worker = await WireWorker.join(host.address, "odd");
    worker.channel.stream.write(
      messageBytes({
        message: { case: "request", value: { requestId: "7", target: { type: "a b", key: "k" } } },
      }),
    );
    expect((await worker.channel.waitFor(1))[0]).toMatchObject({
      ...{ kind: "response", id: "7", headers: { "agentrt-code": "INVALID_AGENT_ID" } },
      error: expect.stringContaining("INVALID_ARGUMENT: "),
    });
    worker.send(request("8", "nobody"));
    expect((await worker.channel.waitFor(2))[1]).toMatchObject({ id: "8" });
  });

  test.each(["RegisterAgent", "AddSubscription", "RemoveSubscription"])(
    "bad input - noise as a %s request is INVALID_ARGUMENT",
    async (method) => {
      const before = total("rpcsFailed");
      using client = new RawClient(host.address);
      const answer = await client.call(`/agents.AgentRpc/${method}`, Buffer.alloc(9, 0xff), {
        "client-id": "noise",
      });
      expect(answer.status.code).toBe(status.INVALID_ARGUMENT);
      expect(answer.status.metadata.get("agentrt-code")).toEqual(["BAD_FRAME"]);
      await grown("rpcsFailed", before);
    },
  );

  test("bad input - a subscription with an illegal topic type is INVALID_ARGUMENT", async () => {
    using client = new RawClient(host.address);
    // AddSubscriptionRequest { subscription { id: "1" typeSubscription { topic_type: "a b" agent_type: "c" } } }
    const bytes = Buffer.from("0a0d0a01311208" + "0a03612062" + "120163", "hex");
    const answer = await client.call("/agents.AgentRpc/AddSubscription", bytes, {
      "client-id": "x",
    });
    expect(answer.status.metadata.get("agentrt-code")).toEqual(["INVALID_TOPIC"]);
    await expectAllWell();
  });
});

test("bad input - round after round of it does not swell the process", async () => {
  const round = async (): Promise<void> => {
    const noise = new RawConnection();
    noise.socket.write(crypto.getRandomValues(Buffer.alloc(50_000)));
    using client = new RawClient(host.address);
    const stream = client.open(OPEN_CHANNEL, { "client-id": crypto.randomUUID() });
    const long = "x".repeat(100_000);
    stream.stream.write(
      messageBytes({
        message: { case: "cloudEvent", value: { id: long, type: long, source: long } },
      }),
    );
    stream.stream.write(
      messageBytes({
        message: { case: "request", value: { requestId: "1", target: { type: long, key: long } } },
      }),
    );
    stream.stream.write(Buffer.alloc(50_000, 0xff));
    await Promise.all([stream.ended, noise.closed]);
    await http2Request(grpcHeaders(GET_SUBSCRIPTIONS), grpcMessage(Buffer.alloc(50_000), 100_000));
  };
  const rssAfter = async (rounds: number): Promise<number> => {
    for (let number = 0; number < rounds; number += 1) {
      await round();
    }
    Bun.gc(true);
    return process.memoryUsage.rss();
  };
  const settled = await rssAfter(100);
  expect((await rssAfter(200)) - settled).toBeLessThan(60 * 1024 * 1024);
  expect(host.report().workers.map(({ clientId }) => clientId)).toEqual(["witness"]);
  expect(JSON.stringify(host.report()).length).toBeLessThan(1_000_000);
  await expectAllWell();
}, 30_000);
