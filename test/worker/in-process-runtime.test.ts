import { describe, expect, test } from "bun:test";
import {
  AgentId,
  AgentrtError,
  type DeadLetter,
  DefaultTopicId,
  defineAgent,
  defineMessage,
  type JsonValue,
  Message,
  messageOf,
  RoutedAgent,
  SingleThreadedAgentRuntime,
  type StateStore,
  Topic,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
  UnknownPayload,
} from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../kit/thrown.ts";

const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
const Answer = defineMessage("Answer", v.object({ text: v.string() }));
const kitchen = new TopicId("readings", "kitchen");

/** An agent type that writes down what it sees. */
function recorder(seen: string[]) {
  return defineAgent({
    description: "records",
    setup(agent) {
      agent.handleEvent(Reading, (data, context) => {
        seen.push(`${agent.id} ${data.celsius} ${context.topicId}`);
      });
    },
  });
}

function memoryStateStore(): StateStore & { readonly states: Map<string, string> } {
  const states = new Map<string, string>();
  return {
    states,
    loadState: (id) => states.get(id.toString()),
    saveState: (id, json) => {
      states.set(id.toString(), json);
    },
  };
}

const counter = defineAgent({
  description: "counts",
  setup(agent) {
    let count = 0;
    agent.handle(Reading, () => {
      count += 1;
      return Answer.of({ text: String(count) });
    });
    return {
      saveState: () => count,
      loadState: (state: JsonValue) => {
        if (typeof state !== "number") {
          throw new Error("the count is not a number");
        }
        count = state;
      },
    };
  },
});

describe("publish", () => {
  test("routing - exact and prefix subscriptions reach the agent keyed by the source", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("exact", recorder(seen));
    await runtime.registerFactory("prefix", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "exact"));
    await runtime.addSubscription(new TypePrefixSubscription("read", "prefix"));
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.publishMessage(Reading.of({ celsius: 2 }), new TopicId("readout", "hall"));
    await runtime.idle();
    expect(seen.toSorted()).toEqual([
      "exact/kitchen 1 readings/kitchen",
      "prefix/hall 2 readout/hall",
      "prefix/kitchen 1 readings/kitchen",
    ]);
  });

  test("routing - two subscriptions of one type that match deliver once", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("both", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "both"));
    await runtime.addSubscription(new TypePrefixSubscription("read", "both"));
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.idle();
    expect(seen).toEqual(["both/kitchen 1 readings/kitchen"]);
  });

  test("routing - the sender itself is left out, its other instances are not", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.start();
    const sender = new AgentId("rec", "kitchen");
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen, { sender });
    await runtime.publishMessage(Reading.of({ celsius: 2 }), new TopicId("readings", "hall"), {
      sender,
    });
    await runtime.publishMessage(Reading.of({ celsius: 3 }), new DefaultTopicId("readings"), {
      sender,
    });
    await runtime.idle();
    expect(seen).toEqual(["rec/hall 2 readings/hall"]);
  });

  test("routing - subscriptions and types that come and go count for the next event on a known topic", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    const recording = defineAgent({
      description: "",
      setup(agent) {
        agent.handleAnything(() => {
          seen.push(agent.id.toString());
        });
      },
    });
    const topic = new TopicId("t", "s");
    const publish = async (): Promise<string[]> => {
      await runtime.publishMessage(new UnknownPayload("Raw", "", new Uint8Array()), topic);
      await runtime.idle();
      return seen.splice(0).toSorted();
    };
    await runtime.start();
    expect(await publish()).toEqual([]);
    await runtime.addSubscription(new TypeSubscription("t", "x", "tx"));
    expect(await publish()).toEqual([]);
    await runtime.registerFactory("x", recording);
    expect(await publish()).toEqual(["x/s"]);
    await runtime.registerFactory("y", recording);
    expect(await publish()).toEqual(["x/s"]);
    await runtime.addSubscription(new TypeSubscription("t", "y", "ty"));
    expect(await publish()).toEqual(["x/s", "y/s"]);
    await runtime.removeSubscription("tx");
    expect(await publish()).toEqual(["y/s"]);
  });

  test("refusal - what cannot be published rejects, and does not throw", async () => {
    const runtime = new SingleThreadedAgentRuntime();
    const topic = new TopicId("t", "s");
    const untyped = runtime.publishMessage({ no: "type" }, topic);
    expect((await rejectionOf(untyped)).code).toBe("UNTYPED_MESSAGE");
    await runtime.stop();
    const late = runtime.publishMessage(new UnknownPayload("Raw", "", new Uint8Array()), topic);
    expect((await rejectionOf(late)).code).toBe("RUNTIME_STATE");
  });

  test("start - messages sent before wait for it, within the bound", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime({ bufferMaxMessages: 2 });
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    const error = await rejectionOf(runtime.publishMessage(Reading.of({ celsius: 3 }), kitchen));
    expect(error.code).toBe("NOT_CONNECTED");
    expect(error.message).toBe(
      "The runtime is not started and 2 messages wait for it already. Call start() first.",
    );
    expect(seen).toEqual([]);
    await runtime.start();
    await runtime.idle();
    expect(seen).toEqual(["rec/kitchen 1 readings/kitchen", "rec/kitchen 2 readings/kitchen"]);
  });

  test("refusal - values without a type, and headers that mean something else on the wire", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.start();
    expect((await rejectionOf(runtime.publishMessage({ celsius: 1 }, kitchen))).code).toBe(
      "UNTYPED_MESSAGE",
    );
    const reading = Reading.of({ celsius: 1 });
    const illegal = runtime.publish(new Message({ content: 1, topic: "any text" }));
    expect((await rejectionOf(illegal)).code).toBe("INVALID_TOPIC");
    for (const name of ["datacontenttype", "source", "UPPER", "with-hyphen", ""]) {
      const error = await rejectionOf(
        runtime.publishMessage(reading, kitchen, { headers: { [name]: "x" } }),
      );
      expect(error.code).toBe("INVALID_MESSAGE");
    }
  });

  test("priority - the urgent message overtakes what waits", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.start();
    await Promise.all([
      runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen, { priority: "low" }),
      runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen),
      runtime.publishMessage(Reading.of({ celsius: 3 }), kitchen, { priority: "high" }),
    ]);
    await runtime.idle();
    expect(seen.map((line) => line.split(" ")[1])).toEqual(["3", "2", "1"]);
  });
});

describe("call", () => {
  test("result - comes back decoded", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("counter", counter);
    runtime.addMessageType(Answer);
    await runtime.start();
    const id = new AgentId("counter", "a");
    expect(await runtime.sendMessage(Reading.of({ celsius: 1 }), id)).toEqual({ text: "1" });
    const answer = await runtime.sendMessage(Reading.of({ celsius: 1 }), id);
    expect(Answer.is(answer) && answer.text).toBe("2");
  });

  test("errors - the handler's text, the handler's code, no agent, no handler", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "bad",
      defineAgent({
        description: "fails",
        setup(agent) {
          agent.handleRpc(Reading, (data) => {
            throw data.celsius > 0
              ? new Error("too warm")
              : new AgentrtError("QUEUE_FULL", "no more room");
          });
        },
      }),
    );
    await runtime.start();
    const bad = new AgentId("bad", "x");
    const failed = await rejectionOf(runtime.sendMessage(Reading.of({ celsius: 1 }), bad));
    expect([failed.code, failed.message]).toEqual(["HANDLER_FAILED", "too warm"]);
    const own = await rejectionOf(runtime.sendMessage(Reading.of({ celsius: 0 }), bad));
    expect([own.code, own.message]).toEqual(["QUEUE_FULL", "no more room"]);
    const nobody = new AgentId("nobody", "x");
    expect((await rejectionOf(runtime.sendMessage(Reading.of({ celsius: 0 }), nobody))).code).toBe(
      "NO_SUCH_AGENT",
    );
    expect((await rejectionOf(runtime.sendMessage(Answer.of({ text: "" }), bad))).code).toBe(
      "CANNOT_HANDLE",
    );
    expect(runtime.counts.failed).toBe(3);
  });

  test("deadline and cancellation - end the call and tell the handler", async () => {
    const aborted: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime({ drainTimeoutMs: 0 });
    await runtime.registerFactory(
      "slow",
      defineAgent({
        description: "waits until it is told to stop",
        setup(agent) {
          agent.handleRpc(Reading, async (_data, { signal }) => {
            if (!signal.aborted) {
              await new Promise((resolve) => {
                signal.addEventListener("abort", resolve);
              });
            }
            aborted.push(`${agent.id}: ${messageOf(signal.reason)}`);
            throw signal.reason;
          });
        },
      }),
    );
    await runtime.start();
    const slow = (key: string): AgentId => new AgentId("slow", key);
    const reading = Reading.of({ celsius: 1 });
    const late = await rejectionOf(runtime.sendMessage(reading, slow("a"), { timeoutMs: 5 }));
    expect([late.code, late.message]).toEqual([
      "DEADLINE",
      "Agent slow/a did not answer within 5 ms. It may be busy or hung; ask again, or raise timeoutMs.",
    ]);
    const gaveUp = new AbortController();
    const call = rejectionOf(runtime.sendMessage(reading, slow("b"), { signal: gaveUp.signal }));
    gaveUp.abort();
    expect((await call).code).toBe("CANCELLED");
    const before = await rejectionOf(
      runtime.sendMessage(reading, slow("c"), { signal: gaveUp.signal }),
    );
    expect(before.code).toBe("CANCELLED");
    await runtime.idle();
    // The call to c was given up before its agent saw it.
    expect(aborted).toEqual([
      `slow/a: ${late.message}`,
      "slow/b: The caller gave up waiting for slow/b.",
    ]);
    const open = rejectionOf(runtime.sendMessage(reading, slow("d")));
    await runtime.stop();
    expect((await open).code).toBe("WORKER_GONE");
  });
});

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

describe("short API", () => {
  test("publish and subscribe - by topic type, by source, until unsubscribed", async () => {
    const seen: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.connect();
    const all = await runtime.subscribe("alerts", (message) => {
      seen.push(`all ${JSON.stringify(message)}`);
    });
    await runtime.subscribe(new Topic("alerts", "hall"), (message, context) => {
      seen.push(`hall ${message.content} ${context.headers["priority"]}`);
    });
    await runtime.publish(
      new Message({
        content: "smoke",
        topic: "alerts/hall",
        metadata: { priority: "high", from: "me" },
      }),
    );
    await runtime.publish(new Message({ content: { n: 1 }, topic: new Topic("alerts") }));
    await runtime.idle();
    expect(seen.toSorted()).toEqual([
      'all {"content":"smoke","topic":"alerts/hall","metadata":{"priority":"high","from":"me"}}',
      'all {"content":{"n":1},"topic":"alerts","metadata":{}}',
      "hall smoke high",
    ]);
    seen.length = 0;
    await all.unsubscribe();
    await all[Symbol.asyncDispose]();
    await runtime.publish(new Message({ content: "again", topic: "alerts/hall" }));
    await runtime.idle();
    expect(seen).toEqual(["hall again normal"]);
  });

  test("subscribe - data of other JSON types is the content, known here or not", async () => {
    const seen: JsonValue[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.connect();
    await runtime.subscribe("readings", (message) => {
      seen.push(message.content);
    });
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.idle();
    runtime.addMessageType(Reading);
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    await runtime.idle();
    expect(seen).toEqual([{ celsius: 1 }, { celsius: 2 }]);
  });
});

describe("life", () => {
  test("stop - lets the handler in flight finish, is final, and closes agents", async () => {
    const events: string[] = [];
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "slow",
      defineAgent({
        description: "slow",
        setup(agent) {
          agent.handleEvent(Reading, async () => {
            entered.resolve();
            await gate.promise;
            events.push("handled");
          });
          return { close: () => void events.push("closed") };
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("readings", "slow"));
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await entered.promise;
    const stopped = runtime.stop();
    gate.resolve();
    await stopped;
    expect(events).toEqual(["handled", "closed"]);
    expect((await rejectionOf(runtime.start())).code).toBe("RUNTIME_STATE");
    expect(
      (await rejectionOf(runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen))).code,
    ).toBe("RUNTIME_STATE");
    await runtime.stop();
  });

  test("stop - a handler that hangs is left behind after the drain time, what waits is a dead letter", async () => {
    const letters: DeadLetter[] = [];
    const entered = Promise.withResolvers<void>();
    const runtime = new SingleThreadedAgentRuntime({
      drainTimeoutMs: 1,
      onDeadLetter: (letter) => letters.push(letter),
    });
    await runtime.registerFactory(
      "hung",
      defineAgent({
        description: "hangs",
        setup(agent) {
          agent.handleEvent(Reading, async () => {
            entered.resolve();
            await new Promise(() => undefined);
          });
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("readings", "hung"));
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await entered.promise;
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    await runtime.stop();
    expect(letters.map((letter) => letter.reason)).toEqual(["WORKER_GONE"]);
  });

  test("stopWhen - ends as soon as the condition holds", async () => {
    const seen: string[] = [];
    const runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.start();
    const stopped = runtime.stopWhen(() => seen.length === 2);
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    await stopped;
    expect(seen).toHaveLength(2);
  });
});
