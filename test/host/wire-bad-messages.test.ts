/** What is not the protocol gets the right status or a closed connection, is counted, and harms nobody. */
import { describe, expect, test } from "bun:test";
import { type StatusObject, status } from "@grpc/grpc-js";
import { waitFor } from "../kit/wait.ts";
import {
  GET_SUBSCRIPTIONS,
  grpcHeaders,
  grpcMessage,
  http2Request,
  MAX_MESSAGE_BYTES,
  messageBytes,
  OPEN_CHANNEL,
  RawConnection,
  useWitnessedHost,
} from "./bad-input.ts";
import { event, request, textOf } from "./in-memory-host.ts";
import { RawClient, WireWorker } from "./wire-worker.ts";

const { host, witness, total, grown, expectAllWell } = useWitnessedHost();

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
    using client = new RawClient(host().address);
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
    using worker = await WireWorker.join(host().address, "large");
    worker.send(event("e", "witnessed", {}, "x".repeat(MAX_MESSAGE_BYTES)));
    expectTooLarge(await worker.channel.ended);
    await grown("workersLeft", left);
    await grown("limitsHit", before);
    await expectAllWell();
  });

  test("bad input - a message of just the limit goes through", async () => {
    using worker = await WireWorker.join(host().address, "just");
    const overhead = 200;
    worker.send(event("just", "witnessed", {}, "x".repeat(MAX_MESSAGE_BYTES - overhead)));
    const isThere = () => witness().channel.received.find(({ id }) => id === "just");
    const received = await waitFor(isThere, { what: "the large message" });
    expect(textOf(received).length).toBe(MAX_MESSAGE_BYTES - overhead);
  });

  test("bad input - bytes that are no message end the worker with INVALID_ARGUMENT", async () => {
    const before = host().report().totals;
    using client = new RawClient(host().address);
    const stream = client.open(OPEN_CHANNEL, { "client-id": "noise" });
    await stream.opened;
    stream.stream.write(Buffer.alloc(50, 0xff));
    expect((await stream.ended).code).toBe(status.INVALID_ARGUMENT);
    await grown("badFrames", before.badFrames);
    await grown("workersExpelled", before.workersExpelled);
    expect(
      host()
        .report()
        .workers.map(({ clientId }) => clientId),
    ).not.toContain("noise");
    await expectAllWell();
  });

  test("bad input - the same on a control channel", async () => {
    const before = host().report().totals;
    using worker = await WireWorker.join(host().address, "noise");
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
    using client = new RawClient(host().address);
    const stream = client.open(OPEN_CHANNEL, { "client-id": "odd" });
    await stream.opened;
    stream.stream.write(bytes);
    await grown("badFrames", before);
    expect(host().report().errors[0]).toMatchObject({ where: "odd" });
    expect(stream.status).toBeUndefined();
    expect(
      host()
        .report()
        .topics.every(({ topicType }) => topicType.length <= 1_024),
    ).toBe(true);
    await expectAllWell();
  });

  test("bad input - a call of an illegal agent type is answered", async () => {
    using worker = await WireWorker.join(host().address, "odd");
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
      using client = new RawClient(host().address);
      const answer = await client.call(`/agents.AgentRpc/${method}`, Buffer.alloc(9, 0xff), {
        "client-id": "noise",
      });
      expect(answer.status.code).toBe(status.INVALID_ARGUMENT);
      expect(answer.status.metadata.get("agentrt-code")).toEqual(["BAD_FRAME"]);
      await grown("rpcsFailed", before);
    },
  );

  test("bad input - a subscription with an illegal topic type is INVALID_ARGUMENT", async () => {
    using client = new RawClient(host().address);
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
    const noise = new RawConnection(host().address);
    noise.socket.write(crypto.getRandomValues(Buffer.alloc(50_000)));
    using client = new RawClient(host().address);
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
    await http2Request(
      host().address,
      grpcHeaders(GET_SUBSCRIPTIONS),
      grpcMessage(Buffer.alloc(50_000), 100_000),
    );
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
  expect(
    host()
      .report()
      .workers.map(({ clientId }) => clientId),
  ).toEqual(["witness"]);
  expect(JSON.stringify(host().report()).length).toBeLessThan(1_000_000);
  await expectAllWell();
}, 30_000);
