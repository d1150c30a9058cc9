import { describe, expect, test } from "bun:test";
import { AgentId, defineAgent, GrpcWorkerAgentRuntime, TypeSubscription } from "agentrt";
import { freePort } from "../kit/ports.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeHost } from "./fake-host.ts";
import { eventsOf, publishAll, Reading, reading, recipient, topic } from "./readings.ts";

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
