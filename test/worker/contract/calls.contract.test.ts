import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type AgentRuntime,
  AgentrtError,
  DROP_MESSAGE,
  defineAgent,
  defineMessage,
  type InterventionHandler,
  registerClosureAgent,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../../kit/thrown.ts";
import { waitFor } from "../../kit/wait.ts";
import { STAGES } from "./stage.ts";

const Ping = defineMessage("Ping", v.object({ n: v.number() }));
const Pong = defineMessage("Pong", v.object({ n: v.number() }));
const Other = defineMessage("Other", v.object({ text: v.string() }));

const echo = new AgentId("echo", "a");

/** An agent that answers, and writes down what it got. */
async function registerEcho(runtime: AgentRuntime): Promise<number[]> {
  const seen: number[] = [];
  const factory = defineAgent({
    description: "",
    setup(agent) {
      agent.handle(Ping, ({ n }) => {
        seen.push(n);
        return Pong.of({ n });
      });
    },
  });
  await runtime.registerFactory("echo", factory);
  await runtime.addSubscription(new TypeSubscription("t", "echo"));
  return seen;
}

/** An agent that works until its signal aborts; `nested` ones call the next and wait. */
async function registerSlow(runtime: AgentRuntime, type: string, next: AgentId | undefined) {
  const log = { called: 0, cancelled: 0 };
  const factory = defineAgent({
    description: "",
    setup(agent) {
      agent.handleRpc(Ping, async (ping, { signal }) => {
        log.called += 1;
        signal.addEventListener("abort", () => {
          log.cancelled += 1;
        });
        if (next !== undefined) {
          await agent.sendMessage(ping, next, { signal });
        }
        await new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
        });
        signal.throwIfAborted();
      });
    },
  });
  await runtime.registerFactory(type, factory);
  return log;
}

for (const stage of STAGES) {
  describe(`calls - ${stage.name}`, () => {
    test("a call that is given up aborts the signal of its handler, and ends with CANCELLED", async () => {
      await using on = await stage.start();
      const log = await registerSlow(on.agents, "slow", undefined);
      const gaveUp = new AbortController();
      const { signal } = gaveUp;
      const call = on.callers.sendMessage(Ping.of({ n: 1 }), new AgentId("slow", "a"), { signal });
      const outcome = rejectionOf(call);
      await waitFor(() => log.called === 1, { what: "the handler", intervalMs: 2 });
      gaveUp.abort();
      expect((await outcome).code).toBe("CANCELLED");
      await waitFor(() => log.cancelled === 1, { what: "the handler's signal", intervalMs: 2 });
    });

    test("a call that is out of time does so too, and the agent goes on with the next message", async () => {
      await using on = await stage.start();
      const log = await registerSlow(on.agents, "slow", undefined);
      const id = new AgentId("slow", "a");
      const { signal } = new AbortController();
      const ask = async () =>
        await rejectionOf(on.callers.sendMessage(Ping.of({ n: 1 }), id, { signal, timeoutMs: 30 }));
      expect((await ask()).code).toBe("DEADLINE");
      await waitFor(() => log.cancelled === 1, { what: "the first signal", intervalMs: 2 });
      expect((await ask()).code).toBe("DEADLINE");
      await waitFor(() => log.cancelled === log.called, { what: "the signals", intervalMs: 2 });
    });

    test("giving up reaches the agent behind the agent, and only those that were called", async () => {
      await using on = await stage.start();
      const inner = await registerSlow(on.agents, "inner", undefined);
      const bystander = await registerSlow(on.agents, "bystander", undefined);
      const outer = await registerSlow(on.agents, "outer", new AgentId("inner", "a"));
      const gaveUp = new AbortController();
      const { signal } = gaveUp;
      const id = new AgentId("outer", "a");
      const outcome = rejectionOf(on.callers.sendMessage(Ping.of({ n: 1 }), id, { signal }));
      await waitFor(() => inner.called === 1, { what: "the inner agent", intervalMs: 2 });
      gaveUp.abort();
      expect((await outcome).code).toBe("CANCELLED");
      await waitFor(() => inner.cancelled === 1, { what: "the inner signal", intervalMs: 2 });
      expect([outer, inner]).toEqual([
        { called: 1, cancelled: 1 },
        { called: 1, cancelled: 1 },
      ]);
      expect(bystander).toEqual({ called: 0, cancelled: 0 });
    });

    test("many calls given up by one signal all end, and nothing is left waiting", async () => {
      await using on = await stage.start();
      const log = await registerSlow(on.agents, "slow", undefined);
      const gaveUp = new AbortController();
      const { signal } = gaveUp;
      const calls = Array.from({ length: 50 }, async (_, n) =>
        rejectionOf(
          on.callers.sendMessage(Ping.of({ n }), new AgentId("slow", `${n}`), { signal }),
        ),
      );
      await waitFor(() => log.called === 50, { what: "all handlers", intervalMs: 2 });
      gaveUp.abort();
      const codes = new Set((await Promise.all(calls)).map(({ code }) => code));
      expect([...codes]).toEqual(["CANCELLED"]);
      await waitFor(() => on.agents.report().pending === 0, { what: "no work", intervalMs: 2 });
      expect(log.cancelled).toBe(50);
    });
  });

  describe(`interventions - ${stage.name}`, () => {
    test("see every event, call and answer once, each handler what the one before passed on", async () => {
      const seen: string[] = [];
      const plusOne: InterventionHandler = {
        onPublish: (message) => Ping.of({ n: (message as { n: number }).n + 1 }),
        onSend: async (message) => Ping.of({ n: (message as { n: number }).n + 1 }),
        onResponse: (message) => Pong.of({ n: (message as { n: number }).n * 10 }),
      };
      const look: InterventionHandler = {
        onPublish: (message, { topic, sender }) =>
          void seen.push(`publish ${JSON.stringify(message)} ${topic} ${sender}`),
        onSend: (message, { recipient, headers }) =>
          void seen.push(`send ${JSON.stringify(message)} ${recipient} ${headers["h"]}`),
        onResponse: (message, { sender, recipient }) =>
          void seen.push(`response ${JSON.stringify(message)} ${sender} ${recipient}`),
      };
      await using on = await stage.start({ interventionHandlers: [plusOne, look] });
      const got = await registerEcho(on.agents);
      on.callers.addMessageType(Pong);
      await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("t", "a"));
      const headers = { h: "x" };
      const answer = await on.callers.sendMessage(Ping.of({ n: 5 }), echo, { headers });
      expect(answer).toEqual(Pong.of({ n: 60 }));
      expect(got).toEqual([2, 6]);
      expect(seen).toEqual([
        'publish {"n":2} t/a undefined',
        'send {"n":6} echo/a x',
        'response {"n":60} echo/a undefined',
      ]);
    });

    test("a dropped event reaches nobody; a dropped call or answer ends its caller clearly", async () => {
      let drops: keyof InterventionHandler | undefined;
      const drop = (name: keyof InterventionHandler) => () =>
        drops === name ? DROP_MESSAGE : undefined;
      await using on = await stage.start({
        interventionHandlers: [
          { onPublish: drop("onPublish"), onSend: drop("onSend"), onResponse: drop("onResponse") },
        ],
      });
      const got = await registerEcho(on.agents);
      drops = "onPublish";
      await on.callers.publishMessage(Ping.of({ n: 1 }), new TopicId("t", "a"));
      drops = "onSend";
      const call = await rejectionOf(on.callers.sendMessage(Ping.of({ n: 2 }), echo));
      expect([call.code, call.message]).toEqual([
        "MESSAGE_DROPPED",
        "The call of agent echo/a was dropped by an intervention handler of this runtime.",
      ]);
      drops = "onResponse";
      const answer = await rejectionOf(on.callers.sendMessage(Ping.of({ n: 3 }), echo));
      expect([answer.code, answer.message]).toEqual([
        "MESSAGE_DROPPED",
        "The answer of agent echo/a was dropped by an intervention handler of this runtime.",
      ]);
      expect(got).toEqual([3]);
      expect(on.callers.report().dropped).toBe(3);
    });

    test("what a handler throws ends the call or publish with that error", async () => {
      const no = (): never => {
        throw new AgentrtError("INVALID_MESSAGE", "not with me");
      };
      await using on = await stage.start({ interventionHandlers: [{ onSend: no, onPublish: no }] });
      const got = await registerEcho(on.agents);
      const call = on.callers.sendMessage(Ping.of({ n: 2 }), echo);
      expect((await rejectionOf(call)).message).toBe("not with me");
      const publish = on.callers.publishMessage(Ping.of({ n: 2 }), new TopicId("t", "a"));
      expect((await rejectionOf(publish)).message).toBe("not with me");
      expect(got).toEqual([]);
    });
  });

  describe(`closure agents - ${stage.name}`, () => {
    test("one function gets what is published, in order, and answers calls", async () => {
      await using on = await stage.start();
      const seen: [string, number][] = [];
      await registerClosureAgent(
        on.agents,
        "closure",
        (agent, { n }, { isRpc }) => {
          seen.push([agent.id.key, n]);
          return isRpc ? Pong.of({ n }) : undefined;
        },
        { messageTypes: [Ping], subscriptions: [new TypeSubscription("t", "closure")] },
      );
      on.callers.addMessageType(Pong);
      for (const n of [1, 2, 3]) {
        await on.callers.publishMessage(Ping.of({ n }), new TopicId("t", "a"));
      }
      const id = new AgentId("closure", "a");
      expect(await on.callers.sendMessage(Ping.of({ n: 4 }), id)).toEqual(Pong.of({ n: 4 }));
      expect(seen).toEqual([
        ["a", 1],
        ["a", 2],
        ["a", 3],
        ["a", 4],
      ]);
    });

    test("other types - an error, nothing, or all of them taken, as it says", async () => {
      await using on = await stage.start();
      const seen: object[] = [];
      const take = (_agent: unknown, message: object): void => void seen.push(message);
      const messageTypes = [Ping];
      await registerClosureAgent(on.agents, "strict", take, { messageTypes, unknownType: "error" });
      await registerClosureAgent(on.agents, "easy", take, { messageTypes, unknownType: "ignore" });
      await registerClosureAgent(on.agents, "all", take);
      const send = async (type: string) =>
        await on.callers.sendMessage(Other.of({ text: "x" }), new AgentId(type, "a"));
      expect((await rejectionOf(send("strict"))).code).toBe("CANNOT_HANDLE");
      expect(await send("easy")).toBeUndefined();
      expect(await send("all")).toBeUndefined();
      expect(seen).toMatchObject([{ dataType: "Other" }]);
    });
  });
}
