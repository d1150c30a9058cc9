import { describe, expect, test } from "bun:test";
import {
  AgentId,
  AgentrtError,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  GrpcWorkerAgentRuntimePool,
  type JsonValue,
  Message,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { joinKnowing, startHost } from "./on-our-host.ts";

const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
const kitchen = new AgentId("counter", "kitchen");
const topic = new TopicId("readings", "kitchen");

const counter = defineAgent({
  description: "sums up",
  setup(agent) {
    let sum = 0;
    agent.handle(Reading, ({ celsius }) => {
      if (celsius < 0) {
        throw celsius < -100 ? new AgentrtError("QUEUE_FULL", "no more") : new Error("too cold");
      }
      sum += celsius;
      return Reading.of({ celsius: sum });
    });
    return {
      saveState: () => sum,
      loadState: (state: JsonValue) => {
        if (typeof state !== "number") {
          throw new Error("not a number");
        }
        sum = state;
      },
    };
  },
});

const join = joinKnowing(Reading);

async function ask(runtime: GrpcWorkerAgentRuntime, celsius: number): Promise<unknown> {
  return await runtime.sendMessage(Reading.of({ celsius }), kitchen);
}

describe("worker on our host", () => {
  test("publish and call - across workers, errors with their codes", async () => {
    await using host = await startHost();
    await using home = await join(host);
    await using other = await join(host);
    await home.registerFactory("counter", counter);
    await home.addSubscription(new TypeSubscription("readings", "counter"));
    await other.publishMessage(Reading.of({ celsius: 1 }), topic);
    expect(await ask(other, 2)).toEqual({ celsius: 3 });
    const failed = await rejectionOf(ask(other, -1));
    expect([failed.code, failed.message]).toEqual(["HANDLER_FAILED", "too cold"]);
    expect((await rejectionOf(ask(other, -101))).code).toBe("QUEUE_FULL");
    const nobody = new AgentId("nobody", "a");
    const unknown = await rejectionOf(other.sendMessage(Reading.of({ celsius: 1 }), nobody));
    expect(unknown.code).toBe("NO_SUCH_AGENT");
  });

  test("short API - a Message arrives as it was, its priority as a header too", async () => {
    await using host = await startHost();
    await using home = await join(host);
    await using other = await join(host);
    const seen: unknown[] = [];
    const subscription = await home.subscribe("alerts", (message, context) => {
      seen.push(message.content, message.topic, message.metadata, context.headers["priority"]);
    });
    await other.publish(
      new Message({ content: { text: "hi" }, topic: "alerts/hall", metadata: { priority: "low" } }),
    );
    await waitFor(() => seen.length > 0, { what: "the message" });
    expect(seen).toEqual([{ text: "hi" }, "alerts/hall", { priority: "low" }, "low"]);
    await subscription.unsubscribe();
    await waitFor(() => host.report().subscriptions.length === 0, {
      what: "the subscription's end",
    });
  });

  test("subscription - one that the host refuses is not kept here either", async () => {
    await using host = await startHost();
    await using home = await join(host);
    await using other = await join(host);
    await home.registerFactory("counter", counter);
    const subscription = new TypeSubscription("readings", "counter");
    await other.addSubscription(subscription);
    expect((await rejectionOf(home.addSubscription(subscription))).code).toBe(
      "SUBSCRIPTION_EXISTS",
    );
    await other.removeSubscription(subscription.id);
    await home.addSubscription(subscription);
    await other.publishMessage(Reading.of({ celsius: 1 }), topic);
    expect(await ask(other, 0)).toEqual({ celsius: 1 });
  });

  test("pool - the subscriptions of a lent runtime end when it goes back", async () => {
    await using host = await startHost();
    await using pool = new GrpcWorkerAgentRuntimePool({ hostAddress: host.address, poolSize: 1 });
    {
      await using lent = await pool.getRuntime();
      await lent.subscribe("alerts", () => undefined);
      expect(host.report().subscriptions).toHaveLength(1);
    }
    expect(host.report().subscriptions).toEqual([]);
  });

  test("state - of an agent on another worker is saved and loaded", async () => {
    await using host = await startHost();
    await using home = await join(host);
    await using other = await join(host, { callTimeoutMs: 2_000 });
    await home.registerFactory("counter", counter);
    await ask(other, 5);
    expect(await other.agentSaveState(kitchen)).toBe(5);
    await other.agentLoadState(kitchen, 70);
    expect(await ask(other, 1)).toEqual({ celsius: 71 });
    const rejected = await rejectionOf(other.agentLoadState(kitchen, "text"));
    expect([rejected.code, rejected.message]).toEqual([
      "STATE_REJECTED",
      "Agent counter/kitchen does not accept the state: not a number",
    ]);
    const unknown = await rejectionOf(other.agentSaveState(new AgentId("nobody", "a")));
    expect(unknown.code).toBe("NO_SUCH_AGENT");
  });

  test("host restart - the worker is back with its types, subscriptions and instances", async () => {
    const first = await startHost();
    await using home = await join(first);
    await using other = await join(first);
    await home.registerFactory("counter", counter);
    await home.addSubscription(new TypeSubscription("readings", "counter"));
    expect(await ask(other, 1)).toEqual({ celsius: 1 });
    await first.stop();
    await waitFor(() => !home.isConnected && !other.isConnected, { what: "both to notice" });
    await other.publishMessage(Reading.of({ celsius: 10 }), topic);
    await using _second = await startHost({ listen: first.address });
    await waitFor(() => home.isConnected && other.isConnected, { what: "both to be back" });
    await waitFor(async () => ((await ask(other, 0)) as { celsius: number }).celsius >= 1, {
      what: "an answer",
    });
  });
});

describe("an agent type that another worker holds", () => {
  test("fail - registerFactory is refused, and the type can be registered later", async () => {
    await using host = await startHost();
    await using late = await join(host);
    {
      await using holder = await join(host);
      await holder.registerFactory("counter", counter);
      const error = await rejectionOf(late.registerFactory("counter", counter));
      expect(error.code).toBe("AGENT_TYPE_TAKEN");
      expect((await rejectionOf(late.tryGetUnderlyingAgentInstance(kitchen))).code).toBe(
        "NO_SUCH_AGENT",
      );
    }
    await late.registerFactory("counter", counter);
    expect(await ask(late, 1)).toEqual({ celsius: 1 });
  });

  test("fail - a start with such a type is refused, and the runtime is stopped", async () => {
    await using host = await startHost();
    await using holder = await join(host);
    await holder.registerFactory("counter", counter);
    await using late = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await late.registerFactory("counter", counter);
    expect((await rejectionOf(late.start())).code).toBe("AGENT_TYPE_TAKEN");
    expect(late.connectionState.kind).toBe("stopped");
  });

  test("wait - the next worker takes over with its subscriptions when the holder leaves", async () => {
    await using host = await startHost();
    const holder = await join(host);
    await using late = await join(host, { registration: "wait", backoffMaxMs: 20 });
    await holder.registerFactory("counter", counter);
    await holder.addSubscription(new TypeSubscription("readings", "counter"));
    const taken = late
      .registerFactory("counter", counter)
      .then(() => late.addSubscription(new TypeSubscription("readings", "counter")));
    expect(await ask(late, 40)).toEqual({ celsius: 40 });
    await holder.stop();
    await taken;
    expect(await ask(late, 1)).toEqual({ celsius: 1 });
  });

  test("wait - subscriptions of a type that is not held yet wait with it", async () => {
    await using host = await startHost();
    const holder = await join(host);
    await holder.registerFactory("counter", counter);
    await using late = new GrpcWorkerAgentRuntime({
      hostAddress: host.address,
      registration: "wait",
      backoffMaxMs: 20,
    });
    await late.registerFactory("counter", counter);
    await late.addSubscription(new TypeSubscription("own_topic", "counter"));
    await late.start();
    expect(host.report().subscriptions).toEqual([]);
    await holder.stop();
    await waitFor(() => host.report().subscriptions.length === 1, { what: "the subscription" });
    expect(host.report().subscriptions[0]?.clientId).toBe(late.clientId);
  });

  test("wait - stop ends the waiting", async () => {
    await using host = await startHost();
    await using holder = await join(host);
    await holder.registerFactory("counter", counter);
    const late = await join(host, { registration: "wait" });
    const waiting = rejectionOf(late.registerFactory("counter", counter));
    await late.stop();
    expect((await waiting).code).toBe("WORKER_GONE");
  });

  test("taken over while away - it warns, waits, and gets its type back", async () => {
    const first = await startHost();
    await using away = await join(first, { backoffMaxMs: 300, backoffInitialMs: 300 });
    await away.registerFactory("counter", counter);
    await first.stop();
    await waitFor(() => !away.isConnected, { what: "the loss" });
    await using host = await startHost({ listen: first.address });
    const other = await join(host, { registration: "wait", backoffMaxMs: 20 });
    const held = other.registerFactory("counter", counter);
    await waitFor(() => away.isConnected, { what: "the worker to be back" });
    await Promise.race([held, ask(other, 1)]);
    await other.stop();
    await held.catch(() => undefined);
    await waitFor(
      () => host.report().workers.some(({ agentTypes }) => agentTypes.includes("counter")),
      { what: "the type to be registered again" },
    );
    await using caller = await join(host);
    expect(await ask(caller, 1)).toMatchObject({ celsius: expect.any(Number) });
  });
});
