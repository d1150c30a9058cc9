import { describe, expect, test } from "bun:test";
import {
  type AgentFactory,
  type AgentTypeOptions,
  defineAgent,
  SingleThreadedAgentRuntime,
  TopicId,
} from "agentrt";
import fc from "fast-check";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { Ask, Count, id, supervised } from "./supervision-kit.ts";

describe("time limit", () => {
  test("a handler that hangs - ends with DEADLINE, is told, and the mailbox goes on with a new instance", async () => {
    const { runtime, seen, ask, report } = await supervised({ handlerTimeoutMs: 20 });
    expect(await ask("well")).toEqual(Count.of({ count: 1, instance: 1 }));
    const hanging = rejectionOf(ask("never"));
    const next = ask("well");
    const error = await hanging;
    expect([error.code, error.message]).toEqual([
      "DEADLINE",
      "Agent worker/a did not finish within its handlerTimeoutMs, 20 ms.",
    ]);
    expect(seen.aborted).toEqual([expect.objectContaining({ code: "DEADLINE" })]);
    // The state of before goes over to the new instance.
    expect(await next).toEqual(Count.of({ count: 2, instance: 2 }));
    expect(seen.closed).toBe(1);
    expect(report()).toMatchObject({ handled: 2, failed: 1, timedOut: 1, restarts: 1 });
    await runtime.stop();
  });

  test("a handler that hangs without a store - its instance's state waits for the next message, whenever that comes", async () => {
    const { runtime, seen, ask } = await supervised({ handlerTimeoutMs: 20 }, false);
    await ask("well");
    await rejectionOf(ask("never"));
    await runtime.idle();
    await waitFor(() => seen.closed === 1, { what: "the old instance to be closed" });
    expect(await ask("well")).toEqual(Count.of({ count: 2, instance: 2 }));
    await runtime.stop();
  });

  test("a handler of an event that hangs - is told by its signal too, for nobody waits for it", async () => {
    const { runtime, seen, report } = await supervised({ handlerTimeoutMs: 20 });
    await runtime.publishMessage(Ask.of({ how: "never" }), new TopicId("work", "a"));
    await runtime.idle();
    expect(seen.aborted).toEqual([expect.objectContaining({ code: "DEADLINE" })]);
    expect(report()).toMatchObject({ failed: 1, timedOut: 1 });
    await runtime.stop();
  });

  test("a handler that ends when it is told - keeps its instance", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    let instances = 0;
    const factory = defineAgent({
      description: "",
      setup(agent) {
        instances += 1;
        agent.handleRpc(Ask, async ({ how }, { signal }) => {
          if (how === "never") {
            await new Promise((resolve) => {
              signal.addEventListener("abort", resolve);
            });
          }
          return Count.of({ count: 0, instance: instances });
        });
      },
    });
    runtime.addMessageType(Count);
    await runtime.registerFactory("worker", factory, { handlerTimeoutMs: 20 });
    await runtime.start();
    const error = await rejectionOf(runtime.sendMessage(Ask.of({ how: "never" }), id));
    expect(error.code).toBe("DEADLINE");
    await runtime.sendMessage(Ask.of({ how: "well" }), id);
    expect(instances).toBe(1);
  });

  test("a factory that hangs - does not hold the messages after the first", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    let attempts = 0;
    const good = defineAgent({
      description: "",
      setup(agent) {
        agent.handleRpc(Ask, () => Count.of({ count: 0, instance: attempts }));
      },
    });
    const factory: AgentFactory = async (agentId, itsRuntime) => {
      attempts += 1;
      return attempts === 1
        ? await new Promise<never>(() => undefined)
        : await good(agentId, itsRuntime);
    };
    runtime.addMessageType(Count);
    await runtime.registerFactory("worker", factory, { handlerTimeoutMs: 20 });
    await runtime.start();
    const first = rejectionOf(runtime.sendMessage(Ask.of({ how: "well" }), id));
    const second = runtime.sendMessage(Ask.of({ how: "well" }), id);
    expect((await first).code).toBe("DEADLINE");
    expect(await second).toEqual(Count.of({ count: 0, instance: 2 }));
  });
});

describe("restart", () => {
  for (const withStore of [true, false]) {
    test(`after failures in a row the instance is made anew with its state, ${withStore ? "from the store" : "without a store"}`, async () => {
      const { runtime, seen, ask, report } = await supervised(
        { restart: { afterFailures: 2, backoffInitialMs: 1 } },
        withStore,
      );
      await ask("well");
      await rejectionOf(ask("badly"));
      expect(await ask("well")).toEqual(Count.of({ count: 2, instance: 1 }));
      await rejectionOf(ask("badly"));
      await rejectionOf(ask("badly"));
      expect(await ask("well")).toEqual(Count.of({ count: 3, instance: 2 }));
      expect(seen.closed).toBe(1);
      expect(report()).toMatchObject({ instances: 1, handled: 3, failed: 3, restarts: 1 });
      await runtime.stop();
    });
  }

  test("data that do not fit and types without a handler are no failures of the agent", async () => {
    const { runtime, seen, ask, report } = await supervised({ restart: { afterFailures: 1 } });
    await ask("well");
    const strange = Count.of({ count: 1, instance: 1 });
    expect((await rejectionOf(runtime.sendMessage(strange, id))).code).toBe("CANNOT_HANDLE");
    await ask("well");
    expect([seen.instances, report().restarts]).toEqual([1, 0]);
    await runtime.stop();
  });

  test("an instance that was registered itself is not made anew", async () => {
    await using runtime = new SingleThreadedAgentRuntime({
      agentDefaults: { restart: { afterFailures: 1, backoffInitialMs: 1 } },
    });
    const factory = defineAgent({
      description: "",
      setup(agent) {
        agent.handleRpc(Ask, ({ how }) => {
          if (how === "badly") {
            throw new Error("it went badly");
          }
          return Count.of({ count: 0, instance: 0 });
        });
      },
    });
    const agent = await factory(id, runtime);
    await runtime.registerAgentInstance(agent, id);
    await runtime.start();
    await rejectionOf(runtime.sendMessage(Ask.of({ how: "badly" }), id));
    await runtime.sendMessage(Ask.of({ how: "well" }), id);
    expect(await runtime.tryGetUnderlyingAgentInstance(id)).toBe(agent);
    expect(runtime.report().agentTypes).toMatchObject([{ failed: 1, restarts: 0 }]);
  });
});

describe("circuit", () => {
  test("opens after failures in a row, turns messages away, and closes by itself", async () => {
    const { runtime, letters, ask, report } = await supervised({
      circuit: { afterFailures: 3, openForMs: 60 },
    });
    expect(report().circuit).toBe("closed");
    for (let n = 0; n < 3; n += 1) {
      expect((await rejectionOf(ask("badly"))).code).toBe("HANDLER_FAILED");
    }
    await runtime.idle();
    expect(report()).toMatchObject({ circuit: "open", circuitOpened: 1, failed: 3 });
    const refused = await rejectionOf(ask("well"));
    expect([refused.code, refused.retry]).toEqual(["CIRCUIT_OPEN", "after"]);
    await runtime.publishMessage(Ask.of({ how: "well" }), new TopicId("work", "a"));
    await runtime.idle();
    expect(letters.map(({ reason }) => reason)).toEqual(["CIRCUIT_OPEN"]);
    expect(report().refused).toBe(2);
    const answer = await waitFor(async () => await ask("well").catch(() => undefined), {
      what: "the circuit to close",
      intervalMs: 5,
    });
    expect(answer).toEqual(Count.of({ count: 1, instance: 1 }));
    await runtime.idle();
    expect(report()).toMatchObject({ circuit: "closed", circuitOpened: 1 });
    await runtime.stop();
  });

  test("a failure of the message that is let through opens it again", async () => {
    const { runtime, ask, report } = await supervised({
      circuit: { afterFailures: 1, openForMs: 20 },
    });
    await rejectionOf(ask("badly"));
    const again = await waitFor(
      async () => {
        const { code } = await rejectionOf(ask("badly"));
        return code === "HANDLER_FAILED" ? code : undefined;
      },
      { what: "the circuit to let a message through", intervalMs: 5 },
    );
    expect(again).toBe("HANDLER_FAILED");
    await runtime.idle();
    expect(report()).toMatchObject({ circuit: "open", circuitOpened: 2 });
    await runtime.stop();
  });
});

describe("concurrency", () => {
  /** How many handlers of one instance run at a time, when so many messages wait. */
  async function mostAtATime(concurrent: boolean | number, messages: number): Promise<number> {
    await using runtime = new SingleThreadedAgentRuntime();
    const gate = Promise.withResolvers<void>();
    let inside = 0;
    let most = 0;
    const factory = defineAgent({
      description: "",
      setup(agent) {
        agent.handle(Ask, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await gate.promise;
          inside -= 1;
          return Count.of({ count: 0, instance: 0 });
        });
      },
    });
    await runtime.registerFactory("worker", factory, { concurrent });
    await runtime.start();
    const calls = Array.from({ length: messages }, async () => {
      await runtime.sendMessage(Ask.of({ how: "well" }), id);
    });
    await waitFor(() => inside > 0, { what: "the first handler", intervalMs: 1 });
    gate.resolve();
    await Promise.all(calls);
    return most;
  }

  test("one message at a time, or as many as the type says", async () => {
    expect(await mostAtATime(false, 5)).toBe(1);
    expect(await mostAtATime(3, 7)).toBe(3);
    expect(await mostAtATime(true, 7)).toBe(7);
  });
});

describe("supervision", () => {
  test("property - counts, instances and state follow a plain model", async () => {
    const steps = fc.array(fc.constantFrom("well" as const, "badly" as const), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (list, afterFailures) => {
        const { runtime, seen, ask, report } = await supervised({
          restart: { afterFailures, backoffInitialMs: 1, backoffMaxMs: 1 },
        });
        const model = { handled: 0, failed: 0, restarts: 0, inARow: 0 };
        for (const how of list) {
          if (how === "well") {
            model.handled += 1;
            model.inARow = 0;
            expect(await ask(how)).toEqual(
              Count.of({ count: model.handled, instance: model.restarts + 1 }),
            );
          } else {
            model.failed += 1;
            model.inARow += 1;
            expect((await rejectionOf(ask(how))).code).toBe("HANDLER_FAILED");
            if (model.inARow === afterFailures) {
              model.restarts += 1;
              model.inARow = 0;
            }
          }
        }
        await runtime.idle();
        const { handled, failed, restarts } = report();
        expect({ handled, failed, restarts }).toEqual({
          handled: model.handled,
          failed: model.failed,
          restarts: model.restarts,
        });
        await runtime.stop();
        expect(seen.closed).toBe(seen.instances);
      }),
      { numRuns: 40 },
    );
  });

  test("rules that cannot be are refused when the type is registered, or the runtime made", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    const beyond: readonly AgentTypeOptions[] = [
      { concurrent: 0 },
      { concurrent: 1.5 },
      { handlerTimeoutMs: 0 },
      { idleTimeoutMs: 2 ** 31 },
      { restart: { afterFailures: 0 } },
      { restart: { backoffInitialMs: 10, backoffMaxMs: 9 } },
      { circuit: { openForMs: 0 } },
    ];
    for (const options of beyond) {
      const registering = runtime.registerFactory(
        "worker",
        () => Promise.reject(new Error("unused")),
        options,
      );
      expect((await rejectionOf(registering)).code).toBe("INVALID_OPTION");
      expect(() => new SingleThreadedAgentRuntime({ agentDefaults: options })).toThrow();
    }
    await runtime.registerFactory("worker", () => Promise.reject(new Error("unused")));
  });
});
