import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type DeadLetter,
  defineAgent,
  defineMessage,
  RoutedAgent,
  SingleThreadedAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../kit/thrown.ts";
import {
  Answer,
  counter,
  kitchen,
  memoryStateStore,
  Reading,
  recorder,
} from "./in-process-agents.ts";

describe("isolation", () => {
  test("a handler that throws and data that does not fit harm no other message", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "bad",
      defineAgent({
        description: "throws",
        setup(agent) {
          agent.handleEvent(Reading, () => {
            throw new Error("always");
          });
        },
      }),
    );
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "bad"));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.start();
    // The same name with other data, as a foreign worker could send it.
    const Loose = defineMessage("Reading", v.object({ celsius: v.string() }));
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.publishMessage(Loose.of({ celsius: "warm" }), kitchen);
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    await runtime.idle();
    expect(seen).toEqual(["rec/kitchen 1 readings/kitchen", "rec/kitchen 2 readings/kitchen"]);
    expect(runtime.counts.failed).toBe(4);
    expect(runtime.counts.undecodable).toBe(2);
  });

  test("instances - messages at the same time make one; a factory that fails is tried again", async () => {
    let made = 0;
    const seen: string[] = [];
    const record = recorder(seen);
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("slow", async (id, r) => {
      made += 1;
      await Promise.resolve();
      if (made === 1) {
        throw new Error("not yet");
      }
      return await record(id, r);
    });
    await runtime.addSubscription(new TypeSubscription("readings", "slow"));
    await runtime.start();
    for (const celsius of [1, 2, 3]) {
      await runtime.publishMessage(Reading.of({ celsius }), kitchen);
    }
    const id = new AgentId("slow", "kitchen");
    const lookedUp = await Promise.all([
      runtime.tryGetUnderlyingAgentInstance(id).catch(() => undefined),
      runtime.tryGetUnderlyingAgentInstance(id).catch(() => undefined),
    ]);
    await runtime.idle();
    expect(made).toBe(2);
    expect(lookedUp[0]).toBe(lookedUp[1]);
    expect(runtime.counts.failed + seen.length).toBe(3);
  });

  test("bounds - a full mailbox drops the oldest and says so; too many instances are refused", async () => {
    const letters: DeadLetter[] = [];
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime({
      mailboxMaxMessages: 2,
      maxInstances: 1,
      onDeadLetter: (letter) => letters.push(letter),
    });
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.start();
    await Promise.all(
      [1, 2, 3].map(
        async (celsius) => await runtime.publishMessage(Reading.of({ celsius }), kitchen),
      ),
    );
    await runtime.publishMessage(Reading.of({ celsius: 4 }), new TopicId("readings", "hall"));
    await runtime.idle();
    expect(seen.map((line) => line.split(" ")[1])).toEqual(["2", "3"]);
    expect(letters.map((letter) => [letter.reason, letter.destination])).toEqual([
      ["QUEUE_FULL", "readings/kitchen"],
      ["TOO_MANY", "readings/hall"],
    ]);
  });
});

describe("state", () => {
  const id = new AgentId("counter", "a");
  const reading = Reading.of({ celsius: 1 });

  test("store - survives the runtime, and is written only when it changed", async () => {
    const stateStore = memoryStateStore();
    for (const expected of ["1", "2"]) {
      await using runtime = new SingleThreadedAgentRuntime({ stateStore });
      await runtime.registerFactory("counter", counter);
      runtime.addMessageType(Answer);
      await runtime.start();
      expect(await runtime.sendMessage(reading, id)).toEqual({ text: expected });
      expect(stateStore.states.get("counter/a")).toBe(expected);
      stateStore.states.delete("counter/a");
      await runtime.persist(id);
      expect(stateStore.states.has("counter/a")).toBe(false);
      stateStore.states.set("counter/a", expected);
    }
  });

  test("store - a state that does not load is kept aside and the agent starts fresh", async () => {
    const stateStore = memoryStateStore();
    stateStore.states.set("counter/a", '{"strange":true}');
    await using runtime = new SingleThreadedAgentRuntime({ stateStore });
    await runtime.registerFactory("counter", counter);
    runtime.addMessageType(Answer);
    await runtime.start();
    expect(await runtime.sendMessage(reading, id)).toEqual({ text: "1" });
    expect([...stateStore.states]).toEqual([
      ["counter/a", "1"],
      ["counter.rejected-state/a", '{"strange":true}'],
    ]);
  });

  test("save and load - by hand, for one agent and for all", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("counter", counter);
    await runtime.start();
    await runtime.agentLoadState(id, 5);
    await runtime.sendMessage(reading, id);
    expect(await runtime.agentSaveState(id)).toBe(6);
    expect(await runtime.saveState()).toEqual({ "counter/a": 6 });
    await runtime.loadState({ "counter/b": 9 });
    expect(await runtime.saveState()).toEqual({ "counter/a": 6, "counter/b": 9 });
    const rejected = await rejectionOf(runtime.agentLoadState(id, "six"));
    expect([rejected.code, rejected.message]).toEqual([
      "STATE_REJECTED",
      "Agent counter/a does not accept the state: the count is not a number",
    ]);
    expect((await rejectionOf(runtime.agentSaveState(new AgentId("none", "a")))).code).toBe(
      "NO_SUCH_AGENT",
    );
    expect((await rejectionOf(runtime.persist(new AgentId("none", "a")))).code).toBe(
      "NO_SUCH_AGENT",
    );
  });
});

describe("registration", () => {
  test("a type is registered once, an instance serves its own key only", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("counter", counter);
    expect((await rejectionOf(runtime.registerFactory("counter", counter))).code).toBe(
      "AGENT_TYPE_TAKEN",
    );
    expect((await rejectionOf(runtime.registerFactory("not legal", counter))).code).toBe(
      "INVALID_AGENT_ID",
    );
    const agent = new RoutedAgent("the one");
    await runtime.registerAgentInstance(agent, new AgentId("single", "one"));
    expect(agent.id.toString()).toBe("single/one");
    expect(await runtime.tryGetUnderlyingAgentInstance(new AgentId("single", "one"))).toBe(agent);
    const other = await rejectionOf(
      runtime.tryGetUnderlyingAgentInstance(new AgentId("single", "two")),
    );
    expect(other.code).toBe("NO_SUCH_AGENT");
    expect(await runtime.agentMetadata(agent.id)).toEqual({
      type: "single",
      key: "one",
      description: "the one",
    });
  });

  test("subscriptions - the same one twice is refused, a removed one is gone", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("rec", recorder(seen));
    const subscription = new TypeSubscription("readings", "rec");
    await runtime.addSubscription(subscription);
    const again = new TypeSubscription("readings", "rec");
    expect((await rejectionOf(runtime.addSubscription(again))).code).toBe("SUBSCRIPTION_EXISTS");
    await runtime.removeSubscription(subscription.id);
    expect((await rejectionOf(runtime.removeSubscription(subscription.id))).code).toBe(
      "NO_SUCH_SUBSCRIPTION",
    );
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.idle();
    expect(seen).toEqual([]);
  });
});
