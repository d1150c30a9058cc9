import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type AgentRuntime,
  type DeadLetter,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import type { Envelope, EventEnvelope } from "../../src/core/envelope.ts";
import { freePort } from "../kit/ports.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeHost } from "./fake-host.ts";

const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
const topic = new TopicId("readings", "kitchen");
const reading = (celsius: number): object => Reading.of({ celsius });
const recipient = new AgentId("somebody", "x");

function celsiusOf(envelope: Envelope): number {
  return Reading.decode(envelope.payload.data).celsius;
}

const eventsOf = (host: FakeHost): readonly number[] =>
  host.received.filter((envelope) => envelope.kind === "event").map(celsiusOf);

async function publishAll(runtime: AgentRuntime, values: readonly number[]): Promise<void> {
  for (const value of values) {
    await runtime.publishMessage(reading(value), topic);
  }
}

describe("connecting", () => {
  test("a worker that is started before its host waits for it, with all its registrations", async () => {
    const port = await freePort();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: `127.0.0.1:${port}` });
    const states: string[] = [];
    runtime.onConnectionChange((state) => states.push(state.kind));
    await runtime.registerFactory(
      "early",
      defineAgent({ description: "", setup: () => undefined }),
    );
    const started = runtime.start();
    await waitFor(() => states.includes("waiting"), { what: "a failed attempt" });
    expect(runtime.isConnected).toBe(false);
    await using host = await FakeHost.start({ port });
    await started;
    expect(runtime.isConnected).toBe(true);
    expect(host.registered).toEqual(["early"]);
    expect(states.slice(0, 3)).toEqual(["connecting", "waiting", "connecting"]);
    expect(states.slice(-2)).toEqual(["registering", "connected"]);
  });

  test("connectTimeoutMs ends the wait for a host, and the runtime", async () => {
    const hostAddress = `127.0.0.1:${await freePort()}`;
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress, connectTimeoutMs: 20 });
    const error = await rejectionOf(runtime.start());
    expect([error.code, error.message]).toEqual([
      "NOT_CONNECTED",
      `No host answered at ${hostAddress} within 20 ms. Start it, or check the address.`,
    ]);
    expect(runtime.connectionState.kind).toBe("stopped");
    expect((await rejectionOf(runtime.start())).code).toBe("RUNTIME_STATE");
    expect((await rejectionOf(runtime.publishMessage(reading(1), topic))).code).toBe(
      "RUNTIME_STATE",
    );
  });

  test("an abort signal ends the wait for a host", async () => {
    const hostAddress = `127.0.0.1:${await freePort()}`;
    for (const isLate of [false, true]) {
      await using runtime = new GrpcWorkerAgentRuntime({ hostAddress });
      const abort = new AbortController();
      if (!isLate) {
        abort.abort();
      }
      const started = rejectionOf(runtime.connect({ signal: abort.signal }));
      abort.abort();
      expect((await started).code).toBe("CANCELLED");
    }
  });

  test("stop ends a start that waits", async () => {
    const hostAddress = `127.0.0.1:${await freePort()}`;
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress });
    const started = rejectionOf(runtime.start());
    await runtime.stop();
    const error = await started;
    expect([error.code, error.message]).toEqual([
      "NOT_CONNECTED",
      "The runtime stopped before the host could be reached.",
    ]);
  });

  test("a host that sends no metadata before its first message counts when it answers a unary call", async () => {
    await using host = await FakeHost.start({ sendsMetadata: false });
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    await runtime.publishMessage(reading(1), topic);
    await waitFor(() => eventsOf(host).length === 1, { what: "the event" });
  });
});

describe("reconnecting", () => {
  test("the same client id, the types and the subscriptions come back, and listeners are told", async () => {
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    await runtime.registerFactory("back", defineAgent({ description: "", setup: () => undefined }));
    await runtime.addSubscription(new TypeSubscription("readings", "back"));
    const states: string[] = [];
    const forget = runtime.onConnectionChange((state) => states.push(state.kind));
    host.breakStream();
    await waitFor(() => states.includes("connected"), { what: "the second connection" });
    forget();
    expect(states).toEqual(["waiting", "connecting", "registering", "connected"]);
    expect(host.registered).toEqual(["back", "back"]);
    expect(host.streams.map((stream) => stream.metadata.get("client-id"))).toEqual([
      [runtime.clientId],
      [runtime.clientId],
    ]);
  });

  test("messages published meanwhile wait up to the bound, and go out in order", async () => {
    const port = await freePort();
    await using runtime = new GrpcWorkerAgentRuntime({
      hostAddress: `127.0.0.1:${port}`,
      bufferMaxMessages: 3,
    });
    const started = runtime.start();
    await publishAll(runtime, [1, 2, 3]);
    expect(runtime.waitingMessages).toBe(3);
    const error = await rejectionOf(runtime.publishMessage(reading(4), topic));
    expect(error.code).toBe("NOT_CONNECTED");
    expect(error.data["waitingMessages"]).toBe(3);
    expect(error.message).toStartWith("There is no connection to the host, and 3 messages (");
    await using host = await FakeHost.start({ port });
    await started;
    await publishAll(runtime, [5]);
    await waitFor(() => eventsOf(host).length === 4, { what: "all events" });
    expect(eventsOf(host)).toEqual([1, 2, 3, 5]);
  });

  test("messages published after a loss go out on the next connection", async () => {
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    const publishing: Promise<void>[] = [];
    runtime.onConnectionChange(({ kind }) => {
      if (kind === "waiting") {
        publishing.push(publishAll(runtime, [1, 2]));
      }
    });
    host.breakStream();
    await waitFor(() => eventsOf(host).length === 2, { what: "both events" });
    await Promise.all(publishing);
    expect(eventsOf(host)).toEqual([1, 2]);
  });

  test("a call in flight ends with NOT_CONNECTED; one that was not sent yet goes out later", async () => {
    const port = await freePort();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: `127.0.0.1:${port}` });
    runtime.addMessageType(Reading);
    const started = runtime.start();
    const early = runtime.sendMessage(reading(1), recipient);
    await using host = await FakeHost.start({ port });
    await started;
    const first = await waitFor(() => host.received[0], { what: "the early request" });
    host.send({ kind: "response", id: first.id, error: "", headers: {}, payload: first.payload });
    expect(await early).toEqual({ celsius: 1 });
    const open = rejectionOf(runtime.sendMessage(reading(2), recipient));
    await waitFor(() => host.received.length === 2, { what: "the second request" });
    host.breakStream();
    const error = await open;
    expect(error.code).toBe("NOT_CONNECTED");
    expect(error.message).toBe(
      "The connection to the host was lost before agent somebody/x answered; the call may have been carried out. (broken by the test)",
    );
  });

  test("an answer never goes out on another connection than its request came on", async () => {
    const gate = Promise.withResolvers<void>();
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.registerFactory(
      "slow",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleRpc(Reading, async (data) => {
            await gate.promise;
            return data;
          });
        },
      }),
    );
    await runtime.start();
    host.send({
      kind: "request",
      id: "1",
      target: new AgentId("slow", "a"),
      sender: undefined,
      method: "",
      headers: {},
      payload: {
        dataType: "Reading",
        contentType: "application/json",
        data: Reading.encode({ celsius: 1 }),
      },
    });
    await waitFor(() => runtime.counts.callsIn === 1, { what: "the request" });
    host.breakStream();
    await waitFor(() => host.streams.length === 2 && runtime.isConnected, {
      what: "the second connection",
    });
    gate.resolve();
    await waitFor(() => runtime.counts.handled === 1, { what: "the handler" });
    await publishAll(runtime, [9]);
    await waitFor(() => eventsOf(host).length === 1, { what: "the event after it" });
    expect(host.received.map((envelope) => envelope.kind)).toEqual(["event"]);
  });
});

describe("calls", () => {
  test("end by their own time limit and by a signal; a late answer is counted", async () => {
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    const late = await rejectionOf(runtime.sendMessage(reading(1), recipient, { timeoutMs: 5 }));
    expect(late.code).toBe("DEADLINE");
    const abort = new AbortController();
    const given = rejectionOf(runtime.sendMessage(reading(2), recipient, { signal: abort.signal }));
    abort.abort();
    expect((await given).code).toBe("CANCELLED");
    const request = await waitFor(() => host.received[0], { what: "the first request" });
    const { id, payload } = request;
    host.send({ kind: "response", id, error: "", headers: {}, payload });
    host.send({ kind: "response", id: "never asked", error: "", headers: {}, payload });
    await waitFor(() => runtime.oddities.unexpectedAnswers === 2, { what: "both answers" });
  });

  test("end with what the host sends as an error: a code of ours, or HANDLER_FAILED", async () => {
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    for (const [headers, code] of [
      [{ "agentrt-code": "NO_SUCH_AGENT" }, "NO_SUCH_AGENT"],
      [{ "agentrt-code": "toString" }, "HANDLER_FAILED"],
      [{}, "HANDLER_FAILED"],
    ] as const) {
      const call = rejectionOf(runtime.sendMessage(reading(1), recipient));
      const request = await waitFor(() => host.received.pop(), { what: "the request" });
      host.send({
        kind: "response",
        id: request.id,
        error: "no",
        headers,
        payload: request.payload,
      });
      const error = await call;
      expect([error.code, error.message]).toEqual([code, "no"]);
    }
  });

  test("a frame that cannot be read is counted, and answered when it is a request", async () => {
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    host.sendBytes(new Uint8Array([0xff, 0xff, 0xff]));
    // Message { request: RpcRequest { request_id: "7" } }, without a target.
    host.sendBytes(new Uint8Array([0x0a, 0x03, 0x0a, 0x01, 0x37]));
    const answer = await waitFor(() => host.received[0], { what: "the answer" });
    expect(answer).toMatchObject({
      kind: "response",
      id: "7",
      headers: { "agentrt-code": "BAD_FRAME" },
    });
    expect(runtime.oddities.badFrames).toBe(2);
  });

  test("an answer over the size limit becomes an error answer", async () => {
    const Text = defineMessage("Text", v.object({ text: v.string() }));
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      maxMessageBytes: 2_000,
    });
    await runtime.registerFactory(
      "large",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleRpc(Reading, () => Text.of({ text: "x".repeat(3_000) }));
        },
      }),
    );
    await runtime.start();
    const tooLarge = await rejectionOf(
      runtime.publishMessage(Text.of({ text: "x".repeat(2_000) }), topic),
    );
    expect(tooLarge.code).toBe("TOO_LARGE");
    host.send({
      kind: "request",
      id: "1",
      target: new AgentId("large", "a"),
      sender: undefined,
      method: "",
      headers: {},
      payload: {
        dataType: "Reading",
        contentType: "application/json",
        data: Reading.encode({ celsius: 1 }),
      },
    });
    const answer = await waitFor(() => host.received[0], { what: "the answer" });
    expect(answer).toMatchObject({
      kind: "response",
      id: "1",
      headers: { "agentrt-code": "TOO_LARGE" },
    });
  });
});

describe("a host without a control channel", () => {
  test("messages flow, and states elsewhere are out of reach at once", async () => {
    await using host = await FakeHost.start();
    await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    await publishAll(runtime, [1]);
    await waitFor(() => eventsOf(host).length === 1, { what: "the event" });
    const error = await rejectionOf(runtime.agentSaveState(recipient));
    expect(["NOT_CONNECTED", "CANNOT_HANDLE"]).toContain(error.code);
  });
});

describe("a slow host", () => {
  test("makes publishers wait, and gets everything in order once it reads", async () => {
    await using host = await FakeHost.start({ reads: false });
    await using runtime = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      bufferMaxMessages: 20,
    });
    const Large = defineMessage("Large", v.object({ n: v.number(), text: v.string() }));
    const text = "x".repeat(200_000);
    await runtime.start();
    const accepted: number[] = [];
    const publishing: Promise<void>[] = [];
    while (runtime.waitingMessages < 25) {
      const n = publishing.length;
      publishing.push(
        runtime.publishMessage(Large.of({ n, text }), topic).then(() => {
          accepted.push(n);
        }),
      );
      await Promise.resolve();
    }
    expect(accepted.length).toBeLessThan(publishing.length);
    host.read();
    await Promise.all(publishing);
    await waitFor(() => host.received.length === publishing.length, { what: "all events" });
    const order = host.received.map((envelope) => Large.decode(envelope.payload.data).n);
    expect(order).toEqual([...order.keys()]);
  });
});

describe("stopping", () => {
  test("what is queued and what a handler in flight sends still goes out", async () => {
    const entered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    await using host = await FakeHost.start();
    const letters: DeadLetter[] = [];
    const runtime = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      onDeadLetter: (letter) => letters.push(letter),
    });
    await runtime.registerFactory(
      "last",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleEvent(Reading, async () => {
            entered.resolve();
            await gate.promise;
            await agent.publishMessage(reading(2), topic);
          });
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("readings", "last"));
    await runtime.start();
    const event: EventEnvelope = {
      kind: "event",
      id: "e",
      topic,
      sender: undefined,
      headers: {},
      payload: {
        dataType: "Reading",
        contentType: "application/json",
        data: Reading.encode({ celsius: 1 }),
      },
    };
    host.send(event);
    await entered.promise;
    const stopped = runtime.stop();
    expect(runtime.connectionState.kind).toBe("draining");
    host.send({ ...event, id: "after" });
    await waitFor(() => letters.length === 1, { what: "the event that came too late" });
    expect(letters[0]).toMatchObject({ reason: "WORKER_GONE", messageId: "after" });
    gate.resolve();
    await stopped;
    expect(eventsOf(host)).toEqual([2]);
    expect(runtime.connectionState.kind).toBe("stopped");
    expect(runtime.isConnected).toBe(false);
    expect((await rejectionOf(runtime.sendMessage(reading(1), recipient))).code).toBe(
      "RUNTIME_STATE",
    );
  });

  test("stopWhenSignal - stops on the signal and listens no longer", async () => {
    await using host = await FakeHost.start();
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await runtime.start();
    const before = process.listenerCount("SIGUSR2");
    const stopped = runtime.stopWhenSignal(["SIGUSR2"]);
    process.kill(process.pid, "SIGUSR2");
    await stopped;
    expect(runtime.connectionState.kind).toBe("stopped");
    expect(process.listenerCount("SIGUSR2")).toBe(before);
  });
});
