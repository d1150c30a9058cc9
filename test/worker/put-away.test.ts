import { describe, expect, test } from "bun:test";
import {
  AgentId,
  createMemoryStore,
  defineAgent,
  defineMessage,
  type JsonValue,
  SingleThreadedAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";

const Add = defineMessage("Add", v.object({ n: v.number() }));
const Sum = defineMessage("Sum", v.object({ sum: v.number(), instance: v.number() }));

/** A factory of adders, which keep their sum as state. */
function adders(log: { instances: number; closed: number }) {
  return defineAgent({
    description: "",
    setup(agent) {
      log.instances += 1;
      const instance = log.instances;
      let sum = 0;
      agent.handle(Add, ({ n }) => {
        sum += n;
        return Sum.of({ sum, instance });
      });
      return {
        saveState: (): JsonValue => sum,
        loadState: (state: JsonValue) => {
          sum = Number(state);
        },
        close: async () => {
          await Promise.resolve();
          log.closed += 1;
        },
      };
    },
  });
}

describe("put away", () => {
  test("an idle instance is saved, closed, and comes back with its state", async () => {
    const log = { instances: 0, closed: 0 };
    await using runtime = new SingleThreadedAgentRuntime({ stateStore: createMemoryStore() });
    runtime.addMessageType(Sum);
    await runtime.registerFactory("adder", adders(log), { idleTimeoutMs: 5 });
    await runtime.start();
    const id = new AgentId("adder", "a");
    expect(await runtime.sendMessage(Add.of({ n: 2 }), id)).toEqual(
      Sum.of({ sum: 2, instance: 1 }),
    );
    await waitFor(() => log.closed === 1, { what: "the instance to be put away", intervalMs: 2 });
    expect(runtime.report().agentTypes).toMatchObject([{ instances: 0, putAway: 1 }]);
    expect(await runtime.sendMessage(Add.of({ n: 3 }), id)).toEqual(
      Sum.of({ sum: 5, instance: 2 }),
    );
  });

  test("state without a store stays where it is", async () => {
    const log = { instances: 0, closed: 0 };
    await using runtime = new SingleThreadedAgentRuntime({ maxInstances: 1 });
    runtime.addMessageType(Sum);
    await runtime.registerFactory("adder", adders(log), { idleTimeoutMs: 1 });
    await runtime.start();
    await runtime.sendMessage(Add.of({ n: 2 }), new AgentId("adder", "a"));
    const other = runtime.sendMessage(Add.of({ n: 2 }), new AgentId("adder", "b"));
    expect((await rejectionOf(other)).code).toBe("TOO_MANY");
    expect(log.closed).toBe(0);
  });

  test("a full runtime puts away the instance that is idle longest, and its messages come in order", async () => {
    const log = { instances: 0, closed: 0 };
    await using runtime = new SingleThreadedAgentRuntime({
      stateStore: createMemoryStore(),
      maxInstances: 2,
    });
    runtime.addMessageType(Sum);
    await runtime.registerFactory("adder", adders(log), { idleTimeoutMs: 1_000_000 });
    await runtime.start();
    const add = async (key: string) =>
      await runtime.sendMessage<{ sum: number }>(Add.of({ n: 1 }), new AgentId("adder", key));
    const sums: (number | undefined)[] = [];
    for (const key of ["a", "b", "a", "c", "a", "b", "c", "a"]) {
      sums.push((await add(key))?.sum);
    }
    expect(sums).toEqual([1, 1, 2, 1, 3, 2, 2, 4]);
    expect(runtime.report().agentTypes).toMatchObject([{ instances: 2 }]);
  });

  test("a message for an instance that is being closed waits for it, and finds its last state", async () => {
    await using runtime = new SingleThreadedAgentRuntime({ stateStore: createMemoryStore() });
    runtime.addMessageType(Sum);
    const closing = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    const factory = defineAgent({
      description: "",
      setup(agent) {
        log.push("made");
        agent.handleRpc(Add, () => undefined);
        return {
          close: async () => {
            log.push("closing");
            closing.resolve();
            await gate.promise;
            log.push("closed");
          },
        };
      },
    });
    await runtime.registerFactory("slow", factory, { idleTimeoutMs: 1 });
    await runtime.start();
    const id = new AgentId("slow", "a");
    await runtime.sendMessage(Add.of({ n: 1 }), id);
    await closing.promise;
    const next = runtime.sendMessage(Add.of({ n: 1 }), id);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    gate.resolve();
    await next;
    expect(log.slice(0, 4)).toEqual(["made", "closing", "closed", "made"]);
  });

  test("200,000 keys in sequence - instances and memory stay bounded, no state is lost on the way", async () => {
    const keys = 200_000;
    const kept = 1_000;
    let handled = 0;
    await using runtime = new SingleThreadedAgentRuntime({ maxInstances: kept });
    const factory = defineAgent({
      description: "",
      setup(agent) {
        const ballast = new Uint8Array(1_024);
        agent.handleEvent(Add, () => {
          handled += ballast.length / 1_024;
        });
      },
    });
    await runtime.registerFactory("key", factory, { idleTimeoutMs: 1_000_000 });
    await runtime.addSubscription(new TypeSubscription("keys", "key"));
    await runtime.start();
    const message = Add.of({ n: 1 });
    let most = 0;
    let early = 0;
    for (let n = 0; n < keys; n += 1) {
      await runtime.publishMessage(message, new TopicId("keys", `k${n}`));
      if (n % 500 === 0) {
        await runtime.idle();
        most = Math.max(most, runtime.report().agentTypes[0]?.instances ?? 0);
      }
      if (n === keys / 4) {
        Bun.gc(true);
        early = process.memoryUsage().heapUsed;
      }
    }
    await runtime.idle();
    Bun.gc(true);
    expect(most).toBeLessThanOrEqual(kept);
    expect(handled).toBe(keys);
    expect(runtime.report().agentTypes[0]).toMatchObject({ putAway: keys - kept, instances: kept });
    // 150,000 instances of more than a kilobyte would add 150 MB.
    expect(process.memoryUsage().heapUsed - early).toBeLessThan(50 * 2 ** 20);
  }, 120_000);
});
