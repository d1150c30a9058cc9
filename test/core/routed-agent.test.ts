import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { MessageContext } from "../../src/core/agent.ts";
import { AgentId } from "../../src/core/agent-id.ts";
import { defineAgent } from "../../src/core/define-agent.ts";
import { HANDLED } from "../../src/core/handler-calls.ts";
import { defineMessage, UnknownPayload } from "../../src/core/message-type.ts";
import { RoutedAgent } from "../../src/core/routed-agent.ts";
import type { AgentRuntime, PublishOptions } from "../../src/core/runtime.ts";
import { DefaultTopicId, TopicId } from "../../src/core/topic-id.ts";
import { rejectionOf } from "../kit/thrown.ts";

const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
const Other = defineMessage("Other", v.object({ text: v.string() }));
const id = new AgentId("thermostat", "kitchen");

function context(isRpc: boolean): MessageContext {
  return {
    sender: undefined,
    topicId: isRpc ? undefined : new TopicId("readings", "kitchen"),
    isRpc,
    messageId: "m1",
    headers: {},
    signal: new AbortController().signal,
  };
}

interface Published {
  readonly topic: TopicId;
  readonly options: PublishOptions | undefined;
}

/** Just enough of a runtime to bind an agent to. */
function fakeRuntime(): { runtime: AgentRuntime; types: string[]; published: Published[] } {
  const types: string[] = [];
  const published: Published[] = [];
  const runtime = {
    addMessageType: (type: { name: string }) => types.push(type.name),
    publishMessage: async (_message: object, topic: TopicId, options?: PublishOptions) => {
      published.push({ topic, options });
    },
    sendMessage: async (_message: object, _recipient: AgentId, options?: PublishOptions) => {
      published.push({ topic: new TopicId("call", "call"), options });
      return undefined;
    },
  };
  return { runtime: runtime as unknown as AgentRuntime, types, published };
}

function bound(set: (agent: RoutedAgent) => void): RoutedAgent {
  const agent = new RoutedAgent("a test agent");
  set(agent);
  agent.bind(id, fakeRuntime().runtime);
  return agent;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await rejectionOf(work)).code;
}

describe("routed agent", () => {
  test("routing - a message goes to the handlers of its type with inferred data", async () => {
    const seen: number[] = [];
    const agent = bound((a) => {
      a.handle(Reading, (data) => {
        seen.push(data.celsius);
      });
      a.handle(Other, () => {
        seen.push(Number.NaN);
      });
    });
    await agent.onMessage(Reading.of({ celsius: 21 }), context(false));
    expect(seen).toEqual([21]);
  });

  test("routing - handleEvent sees events only and handleRpc calls only", async () => {
    const seen: string[] = [];
    const agent = bound((a) => {
      a.handleEvent(Reading, () => {
        seen.push("event");
      });
      a.handleRpc(Reading, () => {
        seen.push("rpc");
      });
    });
    await agent.onMessage(Reading.of({ celsius: 1 }), context(false));
    await agent.onMessage(Reading.of({ celsius: 1 }), context(true));
    expect(seen).toEqual(["event", "rpc"]);
  });

  test("routing - a call ends at the first handler with a result, an event runs all", async () => {
    const seen: number[] = [];
    const agent = bound((a) => {
      a.handle(Reading, () => {
        seen.push(1);
      });
      a.handle(Reading, () => {
        seen.push(2);
        return Other.of({ text: "two" });
      });
      a.handle(Reading, () => {
        seen.push(3);
        return Other.of({ text: "three" });
      });
    });
    expect(await agent.onMessage(Reading.of({ celsius: 1 }), context(true))).toEqual({
      text: "two",
    });
    expect(seen).toEqual([1, 2]);
    seen.length = 0;
    expect(await agent.onMessage(Reading.of({ celsius: 1 }), context(false))).toBeUndefined();
    expect(seen).toEqual([1, 2, 3]);
  });

  test("routing - one handler that ends at once without a result needs no promise; everything else has its own", async () => {
    const agent = bound((a) => {
      a.handle(Reading, ({ celsius }) => {
        if (celsius > 40) {
          throw new Error("too hot");
        }
        return celsius > 20 ? Other.of({ text: "warm" }) : undefined;
      });
    });
    const handle = (celsius: number, isRpc: boolean): Promise<object | undefined> =>
      agent.onMessage(Reading.of({ celsius }), context(isRpc));
    expect(handle(1, false)).toBe(HANDLED);
    expect(handle(1, true)).toBe(HANDLED);
    expect(await handle(21, true)).toEqual({ text: "warm" });
    expect(await handle(21, false)).toBeUndefined();
    expect(handle(41, false)).rejects.toThrow("too hot");
    expect(handle(41, true)).rejects.toThrow("too hot");
  });

  test("routing - an event's failing handler does not keep it from the next one", async () => {
    const seen: number[] = [];
    const agent = bound((a) => {
      a.handle(Reading, () => {
        throw new Error("first fails");
      });
      a.handle(Reading, () => {
        seen.push(2);
      });
    });
    expect(agent.onMessage(Reading.of({ celsius: 1 }), context(false))).rejects.toThrow(
      "first fails",
    );
    expect(seen).toEqual([2]);
  });

  test("routing - data declared twice under one name is converted to the handler's declaration", async () => {
    const Stricter = defineMessage(
      "Reading",
      v.object({ celsius: v.pipe(v.number(), v.maxValue(50)) }),
    );
    const seen: number[] = [];
    const agent = bound((a) => {
      a.handle(Stricter, (data) => {
        seen.push(data.celsius);
      });
    });
    await agent.onMessage(Reading.of({ celsius: 20 }), context(false));
    expect(seen).toEqual([20]);
    expect(await codeOf(agent.onMessage(Reading.of({ celsius: 51 }), context(false)))).toBe(
      "INVALID_MESSAGE",
    );
  });

  test("unhandled - a call is refused with CANNOT_HANDLE, an event is let go", async () => {
    const agent = bound((a) => {
      a.handle(Other, () => undefined);
    });
    expect(await codeOf(agent.onMessage(Reading.of({ celsius: 1 }), context(true)))).toBe(
      "CANNOT_HANDLE",
    );
    expect(await agent.onMessage(Reading.of({ celsius: 1 }), context(false))).toBeUndefined();
  });

  test("unhandled - the fallback gets what no handler takes, unknown data among it", async () => {
    const seen: object[] = [];
    const agent = bound((a) => {
      a.handle(Other, () => undefined);
      a.handleAnything((message) => {
        seen.push(message);
      });
    });
    const unknown = new UnknownPayload("Strange", "application/json", new Uint8Array(2));
    await agent.onMessage(unknown, context(false));
    await agent.onMessage(Other.of({ text: "known" }), context(false));
    expect(seen).toEqual([unknown]);
  });

  test("binding - makes the message types known, also of handlers that are added later", () => {
    const { runtime, types } = fakeRuntime();
    const agent = new RoutedAgent("late");
    agent.handle(Reading, () => undefined);
    agent.handleRpc(Reading, () => undefined);
    agent.bind(id, runtime);
    agent.handle(Other, () => undefined);
    expect(types).toEqual(["Reading", "Other"]);
  });

  test("binding - one object cannot be two agents, and has no id before", () => {
    const { runtime } = fakeRuntime();
    const agent = new RoutedAgent("one");
    expect(() => agent.id).toThrow("The agent is not bound to a runtime yet.");
    agent.bind(id, runtime);
    agent.bind(new AgentId(id.type, id.key), runtime);
    expect(agent.metadata).toEqual({ type: "thermostat", key: "kitchen", description: "one" });
    expect(() => agent.bind(new AgentId("thermostat", "hall"), runtime)).toThrow(
      "This agent object is thermostat/kitchen already and cannot become thermostat/hall.",
    );
  });

  test("sending - goes out as the agent, and the default topic has its key as source", async () => {
    const { runtime, published } = fakeRuntime();
    const agent = new RoutedAgent("sender");
    agent.bind(id, runtime);
    await agent.publishMessage(Reading.of({ celsius: 1 }), new DefaultTopicId(), {
      priority: "high",
    });
    await agent.sendMessage(Reading.of({ celsius: 1 }), new AgentId("other", "x"));
    expect(published[0]?.topic.toString()).toBe("default/kitchen");
    expect(published[0]?.options).toEqual({ priority: "high", sender: id });
    expect(published[1]?.options).toEqual({ sender: id });
  });
});

describe("defineAgent", () => {
  test("instances - each has its own state and its hooks", async () => {
    const factory = defineAgent({
      description: "Counts",
      setup(agent) {
        let count = 0;
        agent.handle(Reading, (data) => {
          count += data.celsius;
        });
        return {
          saveState: () => ({ count, key: agent.id.key }),
          loadState: (state) => {
            count = (state as { count: number }).count;
          },
        };
      },
    });
    const { runtime, types } = fakeRuntime();
    const hall = await factory(new AgentId("counter", "hall"), runtime);
    const cellar = await factory(new AgentId("counter", "cellar"), runtime);
    await hall.onMessage(Reading.of({ celsius: 3 }), context(false));
    expect(await hall.saveState?.()).toEqual({ count: 3, key: "hall" });
    expect(await cellar.saveState?.()).toEqual({ count: 0, key: "cellar" });
    await cellar.loadState?.({ count: 9 });
    expect(await cellar.saveState?.()).toEqual({ count: 9, key: "cellar" });
    expect(types).toContain("Reading");
  });

  test("hooks - saveState without loadState is refused", async () => {
    const factory = defineAgent({ description: "half", setup: () => ({ saveState: () => 1 }) });
    const make = async (): Promise<unknown> => await factory(id, fakeRuntime().runtime);
    expect(await codeOf(make())).toBe("INVALID_OPTION");
  });
});
