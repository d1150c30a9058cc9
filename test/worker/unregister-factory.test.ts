/** An agent type that is taken back: in one process, at our host, and at a host that cannot forget it. */
import { expect, test } from "bun:test";
import {
  AgentId,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  GrpcWorkerAgentRuntimeHost,
  type JsonValue,
  SingleThreadedAgentRuntime,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import type { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { Registrations } from "../../src/worker/registrations.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";

const Item = defineMessage("Item", v.object({ number: v.number() }));
const Seen = defineMessage("Seen", v.object({ numbers: v.array(v.number()) }));
const ID = new AgentId("collector", "one");
const TOPIC = new TopicId("items", "one");

function collector(onClose: () => void = () => undefined, delayMs = 0) {
  return defineAgent({
    description: "collects",
    setup(agent) {
      let numbers: number[] = [];
      agent.handleEvent(Item, async ({ number }) => {
        await Bun.sleep(delayMs);
        numbers.push(number);
      });
      agent.handleRpc(Item, () => Seen.of({ numbers }));
      return {
        saveState: () => numbers,
        loadState: (state: JsonValue) => {
          numbers = [...(state as number[])];
        },
        close: onClose,
      };
    },
  });
}

test("unregister - what was sent is handled, the state is stored, the instances close, and a new one begins with it", async () => {
  const runtime = new SingleThreadedAgentRuntime({ stateStore: createMemoryStore() });
  runtime.addMessageType(Seen);
  let closed = 0;
  const close = (): void => {
    closed += 1;
  };
  const register = async (): Promise<void> => {
    await runtime.registerFactory("collector", collector(close, 1));
    await runtime.addSubscription(new TypeSubscription("items", "collector"));
    await runtime.addSubscription(new TypePrefixSubscription("collector:", "collector"));
  };
  await register();
  await runtime.start();
  for (let number = 0; number < 5; number += 1) {
    await runtime.publishMessage(Item.of({ number }), TOPIC);
  }
  await runtime.unregisterFactory("collector");
  expect(closed).toBe(1);
  const { code } = await rejectionOf(runtime.sendMessage(Item.of({ number: 0 }), ID));
  expect(code).toBe("NO_SUCH_AGENT");
  expect((await rejectionOf(runtime.unregisterFactory("collector"))).code).toBe("NO_SUCH_AGENT");
  await runtime.publishMessage(Item.of({ number: 99 }), TOPIC);
  expect(runtime.counts.eventsUnmatched).toBe(1);

  await register();
  const seen = await runtime.sendMessage<{ numbers: number[] }>(Item.of({ number: 0 }), ID);
  expect(seen?.numbers).toEqual([0, 1, 2, 3, 4]);
  await runtime.stop();
});

test("unregister - the host forgets the type and its subscriptions, so that another worker may have them", async () => {
  await using host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
  await host.start();
  await using first = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  await using second = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  await first.start();
  await second.start();
  for (const worker of [first, second, first]) {
    worker.addMessageType(Seen);
    await worker.registerFactory("collector", collector());
    await worker.addSubscription(new TypeSubscription("items", "collector"));
    await second.publishMessage(Item.of({ number: 1 }), TOPIC);
    await waitFor(() => worker.counts.eventsIn > 0, { what: "the event" });
    await worker.unregisterFactory("collector");
    expect(host.report().subscriptions).toEqual([]);
    expect(host.report().workers.flatMap(({ agentTypes }) => agentTypes)).toEqual([]);
    const { code } = await rejectionOf(second.sendMessage(Item.of({ number: 0 }), ID));
    expect(code).toBe("NO_SUCH_AGENT");
  }
});

test("unregister - instances of a shared type live on in the other worker, with their states", async () => {
  await using host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
  await host.start();
  await using first = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  await using second = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  second.addMessageType(Seen);
  const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`);
  for (const worker of [first, second]) {
    await worker.start();
    await worker.registerFactory("collector", collector(), { policy: "shared" });
    await worker.addSubscription(new TypeSubscription("items", "collector"));
  }
  for (const key of keys) {
    await second.publishMessage(Item.of({ number: 7 }), new TopicId("items", key));
  }
  await waitFor(() => first.counts.eventsIn + second.counts.eventsIn === keys.length, {
    what: "all events",
  });
  expect(first.counts.eventsIn).toBeGreaterThan(0);
  await first.unregisterFactory("collector");
  for (const key of keys) {
    const seen = await second.sendMessage<{ numbers: number[] }>(
      Item.of({ number: 0 }),
      new AgentId("collector", key),
    );
    expect(seen?.numbers).toEqual([7]);
  }
});

test("unregister - at a host that cannot forget a type, it is taken up again without asking, and not told to the next one", async () => {
  const asked: string[] = [];
  const client = {
    registerAgent: async (type: string) => {
      asked.push(type);
    },
  } as unknown as AgentRpcClient;
  const registrations = new Registrations({
    ...{ policy: "wait", timeoutMs: 1_000, backoffInitialMs: 10, backoffMaxMs: 10 },
  });
  const connection = new AbortController();
  await registrations.restore(client, connection.signal);
  await registrations.add({ kind: "type", agentType: "a" });
  expect(registrations.withdrawType("a", false)).toBe(false);
  await registrations.add({ kind: "type", agentType: "a" });
  expect(asked).toEqual(["a"]);
  expect(registrations.withdrawType("a", false)).toBe(false);
  connection.abort();
  await registrations.restore(client, new AbortController().signal);
  expect(asked).toEqual(["a"]);
  expect(registrations.withdrawType("a", true)).toBe(false);
});

test("unregister - a type that waits for another worker to leave waits no more", async () => {
  await using host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
  await host.start();
  await using first = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  const options = { hostAddress: host.address, registration: "wait" } as const;
  await using second = new GrpcWorkerAgentRuntime(options);
  await first.start();
  await second.start();
  await first.registerFactory("collector", collector());
  const waiting = rejectionOf(second.registerFactory("collector", collector()));
  await second.unregisterFactory("collector");
  expect((await waiting).code).toBe("CANCELLED");
  expect(host.report().workers.flatMap(({ agentTypes }) => agentTypes)).toEqual(["collector"]);
});
