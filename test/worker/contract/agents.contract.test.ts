import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type AgentRuntime,
  DefaultTopicId,
  defineMessage,
  type JsonValue,
  RoutedAgent,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
  UnknownPayload,
} from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../../kit/thrown.ts";
import { waitFor } from "../../kit/wait.ts";
import { STAGES } from "./stage.ts";

const Ping = defineMessage("Ping", v.object({ n: v.number() }));
const Pong = defineMessage("Pong", v.object({ n: v.number() }));
const Other = defineMessage("Other", v.object({ text: v.string() }));

class Counter extends RoutedAgent {
  events = 0;
  calls = 0;
  constructor() {
    super("Counts what it gets");
    this.handleEvent(Ping, () => {
      this.events += 1;
    });
    this.handleRpc(Ping, ({ n }) => {
      this.calls += 1;
      return Pong.of({ n: n + this.calls });
    });
  }
  override saveState(): JsonValue {
    return { events: this.events, calls: this.calls };
  }
  override loadState(state: JsonValue): void {
    const { events, calls } = state as { events: number; calls: number };
    this.events = events;
    this.calls = calls;
  }
}

class Loud extends RoutedAgent {}

const a = new AgentId("counter", "a");

async function instanceOf(runtime: AgentRuntime, key: string): Promise<Counter> {
  return await runtime.tryGetUnderlyingAgentInstance(new AgentId("counter", key), Counter);
}

for (const stage of STAGES) {
  describe(`agents - ${stage.name}`, () => {
    test("a factory is told the id and runtime, once for each key, on the first message", async () => {
      await using on = await stage.start();
      const made: string[] = [];
      await on.agents.registerFactory("counter", (id, runtime) => {
        expect(runtime).toBe(on.agents);
        made.push(id.toString());
        return new Counter();
      });
      on.callers.addMessageType(Pong);
      expect(made).toEqual([]);
      for (const key of ["a", "b", "a"]) {
        await on.callers.sendMessage(Ping.of({ n: 1 }), new AgentId("counter", key));
      }
      expect(made).toEqual(["counter/a", "counter/b"]);
    });

    test("a type is registered once", async () => {
      await using on = await stage.start();
      await on.agents.registerFactory("counter", () => new Counter());
      const twice = on.agents.registerFactory("counter", () => new Counter());
      expect((await rejectionOf(twice)).code).toBe("AGENT_TYPE_TAKEN");
      const given = on.agents.registerAgentInstance(new Counter(), a);
      expect((await rejectionOf(given)).code).toBe("AGENT_TYPE_TAKEN");
    });

    test("the instance behind an id, of the class that is expected", async () => {
      await using on = await stage.start();
      await on.agents.registerFactory("counter", () => new Counter());
      expect((await instanceOf(on.agents, "a")).id.equals(a)).toBe(true);
      const wrong = on.agents.tryGetUnderlyingAgentInstance(a, Loud);
      expect((await rejectionOf(wrong)).message).toBe("Agent counter/a is a Counter, not a Loud.");
      const none = on.agents.tryGetUnderlyingAgentInstance(new AgentId("nobody", "a"));
      expect((await rejectionOf(none)).code).toBe("NO_SUCH_AGENT");
      expect(await on.agents.agentMetadata(a)).toEqual({
        type: "counter",
        key: "a",
        description: "Counts what it gets",
      });
    });

    test("instances that were registered themselves - several keys of one class, no other key", async () => {
      await using on = await stage.start();
      on.callers.addMessageType(Pong);
      const [first, second] = [new Counter(), new Counter()];
      const b = new AgentId("counter", "b");
      await on.agents.registerAgentInstance(first, a);
      await on.agents.registerAgentInstance(second, b);
      expect(await instanceOf(on.agents, "a")).toBe(first);
      expect(await instanceOf(on.agents, "b")).toBe(second);
      await on.callers.sendMessage(Ping.of({ n: 1 }), b);
      expect([first.calls, second.calls]).toEqual([0, 1]);
      const again = on.agents.registerAgentInstance(new Counter(), a);
      expect((await rejectionOf(again)).code).toBe("AGENT_TYPE_TAKEN");
      const loud = on.agents.registerAgentInstance(new Loud(""), new AgentId("counter", "c"));
      expect((await rejectionOf(loud)).code).toBe("WRONG_AGENT_CLASS");
      const stranger = on.callers.sendMessage(Ping.of({ n: 1 }), new AgentId("counter", "z"));
      expect((await rejectionOf(stranger)).code).toBe("NO_SUCH_AGENT");
      const factory = on.agents.registerFactory("counter", () => new Counter());
      expect((await rejectionOf(factory)).code).toBe("AGENT_TYPE_TAKEN");
    });

    test("a published message reaches the subscribed type under the topic's source alone", async () => {
      await using on = await stage.start();
      await on.agents.registerFactory("counter", () => new Counter());
      await on.agents.addSubscription(new TypeSubscription("default", "counter"));
      await on.callers.publishMessage(Ping.of({ n: 1 }), new DefaultTopicId());
      await on.callers.publishMessage(Ping.of({ n: 1 }), new DefaultTopicId("default", "other"));
      await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("elsewhere", "default"));
      const other = await instanceOf(on.agents, "other");
      await waitFor(() => other.events === 1, { what: "the second event", intervalMs: 2 });
      expect((await instanceOf(on.agents, "default")).events).toBe(1);
      expect((await instanceOf(on.agents, "elsewhere")).events).toBe(0);
    });

    test("the same subscription twice is refused; one message still comes once", async () => {
      await using on = await stage.start();
      await on.agents.registerFactory("counter", () => new Counter());
      await on.agents.addSubscription(new TypeSubscription("t", "counter"));
      const twice = on.agents.addSubscription(new TypeSubscription("t", "counter"));
      expect((await rejectionOf(twice)).code).toBe("SUBSCRIPTION_EXISTS");
      await on.agents.addSubscription(new TypePrefixSubscription("t", "counter"));
      await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("t", "a"));
      await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("t", "b"));
      const b = await instanceOf(on.agents, "b");
      await waitFor(() => b.events > 0, { what: "the event", intervalMs: 2 });
      expect([(await instanceOf(on.agents, "a")).events, b.events]).toEqual([1, 1]);
    });

    test("a message with a known id comes once, however often it is published", async () => {
      await using on = await stage.start();
      await on.agents.registerFactory("counter", () => new Counter());
      await on.agents.addSubscription(new TypeSubscription("t", "counter"));
      for (const messageId of ["1", "1", "2", "1", "3"]) {
        await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("t", "a"), { messageId });
      }
      const agent = await instanceOf(on.agents, "a");
      await waitFor(() => agent.events >= 3, { what: "three events", intervalMs: 2 });
      expect(agent.events).toBe(3);
    });

    test("handlers - by type and kind, several in their order, and a fallback for the rest", async () => {
      await using on = await stage.start();
      const seen: string[] = [];
      await on.agents.registerFactory("routed", () => {
        const agent = new RoutedAgent("");
        agent.handleEvent(Ping, () => void seen.push("event 1"));
        agent.handle(Ping, () => void seen.push("both"));
        agent.handleRpc(Ping, ({ n }) => {
          seen.push("rpc");
          return Pong.of({ n });
        });
        agent.handleAnything((message) => {
          seen.push(message instanceof UnknownPayload ? `unknown ${message.dataType}` : "anything");
        });
        return agent;
      });
      await on.agents.addSubscription(new TypeSubscription("t", "routed"));
      on.callers.addMessageType(Pong);
      await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("t", "a"));
      const id = new AgentId("routed", "a");
      expect(await on.callers.sendMessage(Ping.of({ n: 4 }), id)).toEqual(Pong.of({ n: 4 }));
      await on.callers.publishMessage(Other.of({ text: "" }), new TopicId("t", "a"));
      await waitFor(() => seen.length === 5, { what: "all handlers", intervalMs: 2 });
      expect(seen).toEqual(["event 1", "both", "both", "rpc", "unknown Other"]);
    });

    test("state - of one agent from wherever it is asked, and of a whole runtime", async () => {
      await using on = await stage.start();
      await on.agents.registerFactory("counter", () => new Counter());
      await on.callers.sendMessage(Ping.of({ n: 1 }), a);
      const early = await waitFor(async () => await on.callers.agentSaveState(a), {
        what: "the control channel",
      });
      expect(early).toEqual({ events: 0, calls: 1 });
      await on.callers.sendMessage(Ping.of({ n: 1 }), a);
      const all = await on.agents.saveState();
      expect(all).toEqual({ "counter/a": { events: 0, calls: 2 } });
      await on.callers.agentLoadState(a, early);
      expect((await instanceOf(on.agents, "a")).calls).toBe(1);
      await on.agents.loadState({ ...all, "counter/b": { events: 7, calls: 0 } });
      expect((await instanceOf(on.agents, "a")).calls).toBe(2);
      expect((await instanceOf(on.agents, "b")).events).toBe(7);
    });
  });
}
