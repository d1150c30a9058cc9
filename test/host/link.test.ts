import { describe, expect, test } from "bun:test";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import type { HostOptions } from "../../src/host/options.ts";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/autogen/codec.ts";
import { OpenBatch } from "../../src/wire/link/batch-frame.ts";
import { waitFor } from "../kit/wait.ts";
import { event, request } from "./in-memory-host.ts";
import { RawWorker } from "./raw-link-worker.ts";

async function startHost(options: Partial<HostOptions> = {}): Promise<GrpcWorkerAgentRuntimeHost> {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0", ...options });
  await host.start();
  return host;
}

const seen = (worker: RawWorker, count: number): Promise<boolean> =>
  waitFor(() => worker.batches().length === count, { what: `${count} batches` });

describe("agentrt.v1.Link at the host", () => {
  test("a batch is passed on as it is, with the host's number of its route, told once before it", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    using b = new RawWorker(host.address, "b");
    await a.greet();
    await b.greet();
    await b.subscribe("reader", "t");
    a.agree(41, "t");
    a.publish(41, 1, "x", "y");
    a.publish(41, 3, "z");
    await seen(b, 2);
    expect(b.controls("route")).toMatchObject([
      { topicType: "t", topicSource: "s", dataType: "D", producer: "a.1", receivers: [] },
    ]);
    const [{ number }] = b.controls("route") as [{ number: number }];
    expect(b.batches()).toEqual([`${number}:1+2 \u0002x\u0002y`, `${number}:3+1 \u0002z`]);
    const { totals, workers, topics } = host.report();
    expect([totals.eventsIn, totals.eventsDelivered]).toEqual([3, 3]);
    expect(
      workers.map(({ dialect, messagesIn, messagesOut }) => [dialect, messagesIn, messagesOut]),
    ).toEqual([
      ["agentrt", 3, 0],
      ["agentrt", 0, 3],
    ]);
    expect(topics).toMatchObject([{ topicType: "t", messages: 3, deliveries: 3 }]);
  });

  test("a worker of AutoGen's dialect gets each record as an event, and its events reach a link", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    await a.greet();
    const old = new AgentRpcClient(host.address, "old", { maxMessageBytes: 1e6 });
    const channel = old.openChannel();
    const got: ReturnType<typeof decodeMessage>[] = [];
    channel.on("data", (bytes: Uint8Array) => got.push(decodeMessage(bytes)));
    channel.on("error", () => undefined);
    await old.registerAgent("reader", 5_000);
    await old.addSubscription(new TypeSubscription("t", "reader"), 5_000);
    await a.subscribe("other", "back");
    a.agree(1, "t", { priority: "high" });
    a.publish(1, 1, "x", "y");
    await waitFor(() => got.length === 2, { what: "two events" });
    expect(got).toMatchObject([
      { kind: "event", id: "a.1/1", headers: { priority: "high" }, payload: { dataType: "D" } },
      { kind: "event", id: "a.1/2" },
    ]);
    channel.write(encodeMessage(event("e1", "back")));
    await waitFor(() => a.frames.some(({ kind }) => kind === "message"), { what: "an event" });
    old.close();
  });

  test("what is sent again after a broken link is taken once; the welcome says what the host has", async () => {
    await using host = await startHost();
    using b = new RawWorker(host.address, "b");
    await b.greet();
    await b.subscribe("reader", "t");
    {
      using a = new RawWorker(host.address, "a");
      await a.greet();
      a.agree(1, "t");
      a.publish(1, 1, "x", "y");
      await seen(b, 1);
    }
    using again = new RawWorker(host.address, "a");
    await again.greet();
    expect(again.controls("welcome")).toMatchObject([{ accepted: 2n }]);
    again.agree(1, "t");
    again.publish(1, 1, "x", "y");
    again.publish(1, 3, "z");
    await seen(b, 2);
    expect(b.batches().map((text) => text.slice(text.indexOf(":")))).toEqual([
      ":1+2 \u0002x\u0002y",
      ":3+1 \u0002z",
    ]);
    expect(host.report().totals.duplicates).toBe(2);
  });

  test("no more is under way than the worker's window; urgent batches overtake what waits", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    using b = new RawWorker(host.address, "b");
    await a.greet();
    await b.greet("b.1", 1n);
    await b.subscribe("reader", "t");
    a.agree(1, "t");
    a.agree(2, "t", { priority: "high" });
    a.publish(1, 1, "first");
    a.publish(1, 2, "second");
    a.publish(2, 3, "urgent");
    await waitFor(() => host.report().totals.eventsIn === 3, { what: "three events" });
    await seen(b, 1);
    const credit = (): bigint =>
      BigInt(b.frames.reduce((sum, f) => sum + (f.kind === "batch" ? f.bytes.byteLength : 0), 0));
    b.send({ case: "credit", value: { takenBytes: credit() } });
    await seen(b, 2);
    b.send({ case: "credit", value: { takenBytes: credit() } });
    await seen(b, 3);
    expect(b.batches().map((text) => text.slice(-6))).toEqual(
      [" \nfirst", "urgent", "second"].map((t) => t.slice(-6)),
    );
  });

  test("no more messages are under way than the worker's window has, tiny as they are; both sides count them", async () => {
    await using host = await startHost({ linkWindowMessages: 16 });
    using a = new RawWorker(host.address, "a");
    using b = new RawWorker(host.address, "b");
    await a.greet();
    expect(a.controls("welcome")).toMatchObject([{ windowMessages: 16n }]);
    await b.greet("b.1", 1_000_000n, 3n);
    await b.subscribe("reader", "t");
    a.agree(1, "t");
    a.publish(1, 1, "a", "b");
    a.publish(1, 3, "c", "d");
    a.publish(1, 5, "e");
    await waitFor(() => host.report().totals.eventsIn === 5, { what: "five events" });
    await seen(b, 2);
    expect(host.report().workers.map(({ queuedMessages }) => queuedMessages)).toEqual([0, 1]);
    await waitFor(() => a.controls("credit").length > 0, { what: "credit" });
    expect(a.controls("credit")).toMatchObject([{ takenMessages: 4n, accepted: 4n }]);
    const bytes = b.frames.reduce(
      (sum, f) => sum + (f.kind === "batch" ? f.bytes.byteLength : 0),
      0,
    );
    b.send({ case: "credit", value: { takenBytes: BigInt(bytes), takenMessages: 4n } });
    await seen(b, 3);
  });

  test("an urgent batch goes ahead of a window that is full, though not of one that is overfull", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    using b = new RawWorker(host.address, "b");
    await a.greet();
    const batch = new OpenBatch();
    batch.append(Buffer.from("first"), undefined);
    await b.greet("b.1", BigInt(batch.close(1, 1).byteLength));
    await b.subscribe("reader", "t");
    a.agree(1, "t");
    a.agree(2, "t", { priority: "high" });
    a.publish(1, 1, "first");
    a.publish(1, 2, "normal");
    a.publish(2, 3, "fire");
    a.publish(2, 4, "again");
    await waitFor(() => host.report().totals.eventsIn === 4, { what: "four events" });
    await seen(b, 2);
    expect(b.batches().map((text) => text.slice(text.indexOf(":")))).toEqual([
      ":1+1 \u000afirst",
      ":3+1 \u0008fire",
    ]);
    expect(host.report().workers.map(({ queuedMessages }) => queuedMessages)).toEqual([0, 2]);
  });

  test("what a lost worker had not taken is counted as dead letters, each message of it", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    const b = new RawWorker(host.address, "b");
    await a.greet();
    await b.greet();
    await b.subscribe("reader", "t");
    a.agree(1, "t");
    a.publish(1, 1, "x", "y", "z");
    await seen(b, 1);
    b[Symbol.dispose]();
    await waitFor(() => host.report().deadLetters.total === 3, { what: "three dead letters" });
    expect(host.report().deadLetters).toMatchObject({
      byReason: { WORKER_GONE: 3 },
      recent: [{ messageId: "a.1/1", messages: 3 }],
    });
  });

  test("calls go as AutoGen's messages in frames, and end", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    await a.greet();
    a.send({ case: "message", value: encodeMessage(request("7", "nobody", "x")) });
    await waitFor(() => a.frames.some(({ kind }) => kind === "message"), { what: "an answer" });
    const answers = a.frames.flatMap((frame) =>
      frame.kind === "message" ? [decodeMessage(frame.message)] : [],
    );
    expect(answers).toMatchObject([{ id: "7", headers: { "agentrt-code": "NO_SUCH_AGENT" } }]);
  });

  test("a route that is given up or replaced is forgotten by the receivers, too", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    using b = new RawWorker(host.address, "b");
    await a.greet();
    await b.greet();
    await b.subscribe("reader", "t");
    a.agree(1, "t");
    a.publish(1, 1, "x");
    a.agree(1, "t");
    a.publish(1, 2, "y");
    await seen(b, 2);
    const [first, second] = b.controls("route") as { number: number }[];
    expect(first?.number).not.toBe(second?.number);
    expect(b.controls("routesGone")).toMatchObject([{ numbers: [first?.number] }]);
  });

  test.each([
    ["a batch before the hello", (a: RawWorker) => a.publish(1, 1, "x")],
    ["bytes that are no frames", (a: RawWorker) => a.stream.write(Buffer.from([0xff]))],
    [
      "a hello without a producer",
      (a: RawWorker) => a.send({ case: "hello", value: { version: 1, windowBytes: 1n } }),
    ],
  ])("%s - the stream ends with an error, and the host goes on", async (_what, misbehave) => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    misbehave(a);
    await waitFor(() => a.error !== undefined, { what: "the end of the stream" });
    expect(host.report().totals.badFrames).toBe(1);
    using b = new RawWorker(host.address, "b");
    await b.greet();
  });

  test("a batch on a route that was never agreed on, and too many routes", async () => {
    await using host = await startHost({ maxRoutes: 1 });
    using a = new RawWorker(host.address, "a");
    await a.greet();
    expect(a.controls("welcome")).toMatchObject([{ maxRoutes: 1 }]);
    a.agree(1, "t");
    a.agree(2, "t");
    await waitFor(() => host.report().totals.limitsHit === 1, { what: "a refused route" });
    a.send({ case: "routesGone", value: { numbers: [1] } });
    a.agree(2, "t");
    a.publish(2, 1, "x");
    await waitFor(() => host.report().totals.eventsIn === 1, { what: "an event" });
    a.publish(1, 2, "x");
    await waitFor(() => a.error !== undefined, { what: "the end of the stream" });
    expect(host.report().totals.workersExpelled).toBe(1);
  });

  test("calls - link to link, the bytes go on with the host's numbers, and the answer with the caller's", async () => {
    await using host = await startHost();
    using caller = new RawWorker(host.address, "caller");
    using callee = new RawWorker(host.address, "callee");
    await caller.greet();
    await callee.greet();
    await callee.rpc.registerAgent("adder", 5_000);
    caller.agreeCalls(41, "adder");
    caller.send32("call", 41, 900, "one");
    caller.send32("call", 41, 901, "two");
    await waitFor(() => callee.linked("call").length === 2, { what: "two calls" });
    const [first, second] = callee.linked("call");
    expect([first?.text, second?.text]).toEqual(["one", "two"]);
    expect(first?.id).not.toBe(second?.id);
    expect(callee.controls("route")).toMatchObject([
      { number: first?.route, targetType: "adder", targetKey: "k", dataType: "D", topicType: "" },
    ]);
    callee.agreeAnswers(7);
    callee.send32("answer", 7, second?.id ?? 0, "TWO");
    callee.send32("answer", 7, first?.id ?? 0, "ONE");
    callee.send32("answer", 7, first?.id ?? 0, "AGAIN");
    await waitFor(() => caller.linked("answer").length === 2, { what: "two answers" });
    expect(caller.linked("answer")).toMatchObject([
      { id: 901, text: "TWO" },
      { id: 900, text: "ONE" },
    ]);
    expect(caller.controls("route")).toMatchObject([{ dataType: "R", targetType: "" }]);
    await waitFor(() => host.report().totals.strayResponses === 1, { what: "a stray answer" });
    const { totals } = host.report();
    expect([totals.callsIn, totals.callsAnswered]).toEqual([2, 2]);
  });

  test("calls - link to AutoGen and back, and AutoGen to link and back", async () => {
    await using host = await startHost();
    using link = new RawWorker(host.address, "link");
    await link.greet();
    await link.rpc.registerAgent("linked", 5_000);
    const old = new AgentRpcClient(host.address, "old", { maxMessageBytes: 1e6 });
    const channel = old.openChannel();
    const got: ReturnType<typeof decodeMessage>[] = [];
    channel.on("data", (bytes: Uint8Array) => got.push(decodeMessage(bytes)));
    channel.on("error", () => undefined);
    await old.registerAgent("older", 5_000);
    link.agreeCalls(1, "older");
    link.send32("call", 1, 5, "x");
    await waitFor(() => got.length === 1, { what: "a call at AutoGen's worker" });
    expect(got[0]).toMatchObject({ kind: "request", payload: { dataType: "D" } });
    const payload = { dataType: "R", contentType: "c", data: Buffer.from("y") };
    const answer = { kind: "response", error: "", headers: {}, payload } as const;
    channel.write(encodeMessage({ ...answer, id: got[0]?.id ?? "" }));
    await waitFor(() => link.messages().length === 1, { what: "an answer on the link" });
    expect(link.messages()).toMatchObject([{ kind: "response", id: "5", payload }]);

    channel.write(encodeMessage(request("their-own", "linked", "z")));
    await waitFor(() => link.messages().length === 2, { what: "a call on the link" });
    link.agreeAnswers(2);
    link.send32("answer", 2, Number(link.messages()[1]?.id), "w");
    await waitFor(() => got.length === 2, { what: "an answer at AutoGen's worker" });
    expect(got[1]).toMatchObject({ kind: "response", id: "their-own", payload: { dataType: "R" } });
    old.close();
  });

  test("calls - one that fails, and one that is given up, go by the number as a text", async () => {
    await using host = await startHost();
    using caller = new RawWorker(host.address, "caller");
    await caller.greet();
    caller.agreeCalls(1, "nobody");
    caller.send32("call", 1, 77, "x");
    await waitFor(() => caller.messages().length === 1, { what: "an answer" });
    expect(caller.messages()).toMatchObject([
      { id: "77", headers: { "agentrt-code": "NO_SUCH_AGENT" } },
    ]);
    using callee = new RawWorker(host.address, "callee");
    await callee.greet();
    await callee.rpc.registerAgent("slow", 5_000);
    caller.agreeCalls(2, "slow");
    caller.send32("call", 2, 78, "x");
    await waitFor(() => callee.linked("call").length === 1, { what: "a call" });
    const cancel = { ...request("78", "slow", ""), headers: { "agentrt-cancel": "78" } };
    caller.send({ case: "message", value: encodeMessage(cancel) });
    await waitFor(() => host.report().totals.callsGivenUp === 1, { what: "a call given up" });
  });

  test("calls - one on a route of batches ends the stream", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    await a.greet();
    a.agree(1, "t");
    a.send32("call", 1, 1, "x");
    await waitFor(() => a.error !== undefined, { what: "the end of the stream" });
    expect(host.report().totals.workersExpelled).toBe(1);
  });
});
