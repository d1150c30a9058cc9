import { describe, expect, test } from "bun:test";
import { AgentId, defineAgent, defineMessage, GrpcWorkerAgentRuntime } from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeHost } from "./fake-host.ts";
import { eventsOf, publishAll, Reading, reading, recipient, topic } from "./readings.ts";

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
