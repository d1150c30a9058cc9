import { expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import { defineAgent } from "../../src/core/define-agent.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { defineMessage } from "../../src/core/message-type.ts";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { SingleThreadedAgentRuntime } from "../../src/worker/in-process-runtime.ts";

const Tick = defineMessage("Tick", (value) => Object(value) as { n: number });
const Ask = defineMessage("Ask", () => ({}));
const Told = defineMessage("Told", (value) => value as { version: string; seen: number[] });

interface Version {
  readonly name: string;
  readonly onTick?: (n: number) => Promise<void>;
  readonly onSetup?: () => void;
  readonly onLoad?: () => void;
  readonly onClose?: () => void;
}

const counter = ({ name, onTick, onSetup, onLoad, onClose }: Version) =>
  defineAgent({
    description: name,
    setup(agent) {
      onSetup?.();
      let seen: number[] = [];
      let isClosed = false;
      agent.handleEvent(Tick, async ({ n }) => {
        await onTick?.(n);
        seen.push(n);
      });
      agent.handleRpc(Ask, () => Told.of({ version: isClosed ? "closed" : name, seen }));
      return {
        saveState: () => seen,
        loadState: (state) => {
          onLoad?.();
          seen = [...(state as number[])];
        },
        close: () => {
          isClosed = true;
          onClose?.();
        },
      };
    },
  });

const ID = new AgentId("counter", "one");
const TOPIC = new TopicId("ticks", "one");

async function runtimeWith(version: Version): Promise<SingleThreadedAgentRuntime> {
  const runtime = new SingleThreadedAgentRuntime({ stateStore: createMemoryStore() });
  runtime.addMessageType(Told);
  await runtime.registerFactory("counter", counter(version));
  await runtime.addSubscription(new TypeSubscription("ticks", "counter"));
  await runtime.start();
  return runtime;
}

async function codeOf(step: Promise<unknown>): Promise<string> {
  try {
    await step;
  } catch (error) {
    return AgentrtError.from(error).code;
  }
  return "none";
}

test("replace factory - the new version has the state, and what came meanwhile comes after it", async () => {
  const entered = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const events: string[] = [];
  await using runtime = await runtimeWith({
    name: "old",
    onTick: async (n) => {
      entered.resolve();
      await leave.promise;
      events.push(`old ${n}`);
    },
    onClose: () => events.push("old closed"),
  });
  await runtime.publishMessage(Tick.of({ n: 1 }), TOPIC);
  await entered.promise;
  const replaced = runtime.replaceFactory(
    "counter",
    counter({ name: "new", onTick: async (n) => void events.push(`new ${n}`) }),
  );
  await runtime.publishMessage(Tick.of({ n: 2 }), TOPIC);
  await runtime.publishMessage(Tick.of({ n: 3 }), TOPIC);
  leave.resolve();
  await replaced;
  expect(await runtime.sendMessage<object>(Ask.of({}), ID)).toEqual({
    version: "new",
    seen: [1, 2, 3],
  });
  expect(events).toEqual(["old 1", "old closed", "new 2", "new 3"]);
});

test("replace factory - an instance made later is of the new version", async () => {
  await using runtime = await runtimeWith({ name: "old" });
  await runtime.replaceFactory("counter", counter({ name: "new" }));
  expect(await runtime.sendMessage<object>(Ask.of({}), ID)).toEqual({ version: "new", seen: [] });
});

test.each<[string, Version, string]>([
  [
    "cannot be made",
    {
      name: "new",
      onSetup: () => {
        throw new TypeError("broken");
      },
    },
    "INTERNAL",
  ],
  [
    "does not accept the state",
    {
      name: "new",
      onLoad: () => {
        throw new TypeError("broken");
      },
    },
    "STATE_REJECTED",
  ],
])(
  "replace factory - a version that %s leaves the old one at work",
  async (_how, version, code) => {
    await using runtime = await runtimeWith({ name: "old" });
    const other = new AgentId("counter", "two");
    await runtime.publishMessage(Tick.of({ n: 1 }), TOPIC);
    await runtime.sendMessage(Ask.of({}), other);
    expect(await codeOf(runtime.replaceFactory("counter", counter(version)))).toBe(code);
    await runtime.publishMessage(Tick.of({ n: 2 }), TOPIC);
    const told = { version: "old", seen: [1, 2] };
    expect(await runtime.sendMessage<object>(Ask.of({}), ID)).toEqual(told);
    expect(await runtime.sendMessage<object>(Ask.of({}), other)).toEqual({
      version: "old",
      seen: [],
    });
  },
);

test("replace factory - when one instance refuses, all go back", async () => {
  await using runtime = await runtimeWith({ name: "old" });
  const ids = ["one", "two", "three"].map((key) => new AgentId("counter", key));
  for (const id of ids) {
    await runtime.sendMessage(Ask.of({}), id);
  }
  let made = 0;
  const failing = counter({
    name: "new",
    onSetup: () => {
      made += 1;
      if (made === 3) {
        throw new TypeError("broken");
      }
    },
  });
  expect(await codeOf(runtime.replaceFactory("counter", failing))).toBe("INTERNAL");
  for (const id of ids) {
    expect(await runtime.sendMessage<object>(Ask.of({}), id)).toEqual({ version: "old", seen: [] });
  }
});

test("replace factory - a type that is not registered is refused", async () => {
  await using runtime = new SingleThreadedAgentRuntime();
  expect(await codeOf(runtime.replaceFactory("nobody", counter({ name: "new" })))).toBe(
    "NO_SUCH_AGENT",
  );
});
