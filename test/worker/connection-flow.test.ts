import { describe, expect, test } from "bun:test";
import {
  type DeadLetter,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import type { EventEnvelope } from "../../src/core/envelope.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeHost } from "./fake-host.ts";
import { eventsOf, Reading, reading, recipient, topic } from "./readings.ts";

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
