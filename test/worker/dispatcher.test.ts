import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type DeadLetter,
  defineAgent,
  defineMessage,
  type Priority,
  SingleThreadedAgentRuntime,
  type Subscription,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
  UnknownPayload,
} from "agentrt";
import fc from "fast-check";
import * as v from "valibot";
import { PRIORITIES } from "../../src/core/priority.ts";
import { closeSubscription, closeTopicType } from "../kit/arbitraries.ts";
import { rejectionOf } from "../kit/thrown.ts";

const Numbered = defineMessage("Numbered", v.object({ n: v.number() }));

/** A runtime with the agent types x, y and z, which write down what they get. */
async function recording(subscriptions: readonly Subscription[]) {
  const seen: { readonly agent: string; readonly n: number }[] = [];
  const runtime = new SingleThreadedAgentRuntime();
  for (const type of ["x", "y", "z"]) {
    await runtime.registerFactory(
      type,
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleEvent(Numbered, async ({ n }) => {
            await Promise.resolve();
            seen.push({ agent: agent.id.toString(), n });
          });
        },
      }),
    );
  }
  for (const subscription of subscriptions) {
    await runtime.addSubscription(subscription).catch(() => undefined);
  }
  await runtime.start();
  return { runtime, seen };
}

describe("dispatcher", () => {
  test("property - every agent whose subscription matches gets each event once, in the order of publishing", async () => {
    const publications = fc.array(
      fc.record({
        type: closeTopicType,
        source: fc.constantFrom("s", "t"),
        sender: fc.constantFrom("x", "y", ""),
      }),
      { maxLength: 12 },
    );
    const subscriptionLists = fc.uniqueArray(closeSubscription, {
      maxLength: 8,
      selector: ({ id }) => id,
    });
    await fc.assert(
      fc.asyncProperty(subscriptionLists, publications, async (subscriptions, list) => {
        const { runtime, seen } = await recording(subscriptions);
        for (const [n, { type, source, sender }] of list.entries()) {
          const options = sender === "" ? {} : { sender: new AgentId(sender, source) };
          await runtime.publishMessage(Numbered.of({ n }), new TopicId(type, source), options);
        }
        await runtime.stopWhenIdle();
        const got = (type: string, source: string): number[] =>
          seen.filter(({ agent }) => agent === `${type}/${source}`).map(({ n }) => n);
        for (const type of ["x", "y", "z"]) {
          for (const source of ["s", "t"]) {
            const wanted = [...list.entries()].filter(
              ([, event]) =>
                event.source === source &&
                event.sender !== type &&
                subscriptions.some(
                  (subscription) =>
                    subscription.agentType === type &&
                    subscription.matches(new TopicId(event.type, source)),
                ),
            );
            expect(got(type, source)).toEqual(wanted.map(([n]) => n));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("property - within one priority the order of publishing holds", async () => {
    const priorities = fc.array(fc.constantFrom(...PRIORITIES), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(priorities, async (list) => {
        const { runtime, seen } = await recording([new TypeSubscription("t", "x")]);
        for (const [n, priority] of list.entries()) {
          await runtime.publishMessage(Numbered.of({ n }), new TopicId("t", "s"), { priority });
        }
        await runtime.stopWhenIdle();
        const order = seen.map(({ n }) => n);
        const of = (priority: Priority, numbers: readonly number[]): number[] =>
          numbers.filter((n) => list[n] === priority);
        for (const priority of PRIORITIES) {
          expect(of(priority, order)).toEqual(of(priority, [...list.keys()]));
        }
        expect(order).toHaveLength(list.length);
      }),
      { numRuns: 40 },
    );
  });

  test("unknown data - goes to the fallback as it came, and can be passed on", async () => {
    const seen: UnknownPayload[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "any",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleAnything((message) => {
            if (message instanceof UnknownPayload) {
              seen.push(message);
            }
            return message;
          });
        },
      }),
    );
    await runtime.addSubscription(new TypePrefixSubscription("t", "any"));
    await runtime.start();
    const strange = new UnknownPayload("Strange", "application/cbor", new Uint8Array([1, 2]));
    await runtime.publishMessage(strange, new TopicId("topic", "a"));
    expect(await runtime.sendMessage(strange, new AgentId("any", "a"))).toEqual(strange);
    expect(seen).toEqual([strange, strange]);
  });

  test("full mailbox - a call is refused with QUEUE_FULL", async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    await using runtime = new SingleThreadedAgentRuntime({ mailboxMaxMessages: 1 });
    await runtime.registerFactory(
      "busy",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handle(Numbered, async (data) => {
            entered.resolve();
            await gate.promise;
            return data;
          });
        },
      }),
    );
    await runtime.start();
    const call = async (n: number): Promise<unknown> =>
      await runtime.sendMessage(Numbered.of({ n }), new AgentId("busy", "a"));
    const first = call(1);
    await entered.promise;
    const second = call(2);
    const third = await rejectionOf(call(3));
    expect([third.code, third.message]).toEqual([
      "QUEUE_FULL",
      `The mailbox of agent busy/a is full (limits: 1 messages, ${64 * 2 ** 20} bytes). Send slower, or raise its limits.`,
    ]);
    gate.resolve();
    await Promise.all([first, second]);
  });

  test("given up - a call whose caller left while it waited never reaches the agent", async () => {
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const seen: number[] = [];
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "busy",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleRpc(Numbered, async (data) => {
            seen.push(data.n);
            entered.resolve();
            await gate.promise;
            return data;
          });
        },
      }),
    );
    await runtime.start();
    const busy = new AgentId("busy", "a");
    const first = runtime.sendMessage(Numbered.of({ n: 1 }), busy);
    await entered.promise;
    const abort = new AbortController();
    const { signal } = abort;
    const second = rejectionOf(runtime.sendMessage(Numbered.of({ n: 2 }), busy, { signal }));
    abort.abort();
    expect((await second).code).toBe("CANCELLED");
    gate.resolve();
    await first;
    await runtime.idle();
    expect(seen).toEqual([1]);
    expect(runtime.counts.callsFailed).toBe(1);
  });

  test("onDeadLetter that throws harms nothing", async () => {
    const letters: DeadLetter[] = [];
    await using runtime = new SingleThreadedAgentRuntime({
      maxInstances: 1,
      onDeadLetter: (letter) => {
        letters.push(letter);
        throw new Error("a listener's defect");
      },
    });
    await runtime.registerFactory("x", defineAgent({ description: "", setup: () => undefined }));
    await runtime.addSubscription(new TypeSubscription("t", "x"));
    await runtime.start();
    for (const source of ["a", "b", "c"]) {
      await runtime.publishMessage(Numbered.of({ n: 1 }), new TopicId("t", source));
    }
    await runtime.idle();
    expect(letters.map(({ destination }) => destination)).toEqual(["t/b", "t/c"]);
    expect(runtime.counts.shed).toBe(2);
  });
});
