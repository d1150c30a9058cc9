import { describe, expect, test } from "bun:test";
import {
  AgentId,
  DefaultTopicId,
  defineAgent,
  type JsonValue,
  Message,
  SingleThreadedAgentRuntime,
  Topic,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
  UnknownPayload,
} from "agentrt";
import { rejectionOf } from "../kit/thrown.ts";
import { kitchen, Reading, recorder } from "./in-process-agents.ts";

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
