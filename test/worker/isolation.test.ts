import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type AgentTypeOptions,
  createMemoryStore,
  defineAgent,
  type IsolateOptions,
  isolated,
  type RuntimeOptionsInput,
  registerAgent,
  SingleThreadedAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import { rejectionOf, thrownBy } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { Do, Told } from "./fixtures/isolated-agents.ts";

const module = new URL("./fixtures/isolated-agents.ts", import.meta.url);
type What = Parameters<typeof Do.of>[0]["what"];

/** A runtime with the isolated type `risky` and the type `safe` beside it. */
async function withRisky(
  isolate: Partial<IsolateOptions> = {},
  options: AgentTypeOptions = {},
  runtimeOptions: RuntimeOptionsInput = {},
) {
  const runtime = new SingleThreadedAgentRuntime({ drainTimeoutMs: 0, ...runtimeOptions });
  runtime.addMessageType(Told);
  const told: number[] = [];
  const safe = defineAgent({
    description: "",
    setup(agent) {
      let n = 100;
      agent.handleRpc(Do, () => {
        n += 1;
        return Told.of({ n });
      });
      agent.handleEvent(Told, (message) => {
        told.push(message.n);
      });
    },
  });
  await runtime.registerFactory(
    "risky",
    isolated({ module, export: "Risky", ...isolate }),
    options,
  );
  await runtime.registerFactory("safe", safe);
  await runtime.addSubscription(new TypeSubscription("told", "safe"));
  await runtime.start();
  const ask = async (what: What, key = "a", type = "risky") =>
    await runtime.sendMessage<{ n: number }>(Do.of({ what }), new AgentId(type, key));
  return { runtime, told, ask };
}

describe("isolated agents", () => {
  test("handle, fail, call, publish and keep schedules as others do", async () => {
    const { runtime, told, ask } = await withRisky();
    expect(await ask("count")).toEqual(Told.of({ n: 1 }));
    expect(await ask("count", "b")).toEqual(Told.of({ n: 1 }));
    expect(await ask("count")).toEqual(Told.of({ n: 2 }));
    const error = await rejectionOf(ask("throw"));
    expect([error.code, error.message]).toEqual(["HANDLER_FAILED", "it was risky"]);
    expect(await ask("ask")).toEqual(Told.of({ n: 101 }));
    await waitFor(
      async () => {
        await ask("publish");
        return (told.at(-1) ?? 0) > 0;
      },
      { what: "the schedule in the thread", intervalMs: 5 },
    );
    expect(await runtime.saveState()).toMatchObject({ "risky/a": 2, "risky/b": 1 });
    await runtime.stop();
  }, 30_000);

  test("an endless loop is ended, its state of before comes back, and others are served meanwhile", async () => {
    const { runtime, ask } = await withRisky({ unresponsiveAfterMs: 300 });
    await ask("count");
    await ask("count");
    let isLooping = true;
    const looping = rejectionOf(ask("loop")).finally(() => {
      isLooping = false;
    });
    let servedMeanwhile = 0;
    while (isLooping) {
      await ask("count", "a", "safe");
      servedMeanwhile += 1;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    const error = await looping;
    expect([error.code, error.message]).toEqual([
      "HANDLER_FAILED",
      "The agent's thread was ended, because it did not answer for 300 ms. It may be in an endless loop.",
    ]);
    expect(servedMeanwhile).toBeGreaterThan(50);
    expect(await ask("count")).toEqual(Told.of({ n: 3 }));
    await runtime.stop();
  }, 60_000);

  test("a time limit ends an endless loop too, and a handler that only waits is told", async () => {
    const { runtime, ask } = await withRisky({}, { handlerTimeoutMs: 1_500 });
    await ask("count");
    expect((await rejectionOf(ask("hang"))).code).toBe("DEADLINE");
    expect(await ask("count")).toEqual(Told.of({ n: 2 }));
    expect((await rejectionOf(ask("loop"))).code).toBe("DEADLINE");
    expect(await ask("count")).toEqual(Told.of({ n: 3 }));
    await runtime.stop();
  }, 60_000);

  test("a factory works as well as a class; what cannot be loaded says so", async () => {
    const plain = await withRisky({ export: "plain" });
    expect(await plain.ask("count")).toEqual(Told.of({ n: 7 }));
    await plain.runtime.stop();
    const missing = await withRisky({ export: "nothing" });
    expect((await rejectionOf(missing.ask("count"))).message).toEndWith(
      'does not export a factory or an agent class "nothing".',
    );
    await missing.runtime.stop();
    const nowhere = await withRisky({ module: "/nowhere/agent.ts" });
    expect((await rejectionOf(nowhere.ask("count"))).code).toBe("HANDLER_FAILED");
    await nowhere.runtime.stop();
    expect(thrownBy(() => isolated({ module, export: "Risky", unresponsiveAfterMs: 0 })).code).toBe(
      "INVALID_OPTION",
    );
  }, 30_000);

  test("events reach them by subscription", async () => {
    const { runtime, ask } = await withRisky();
    await runtime.addSubscription(new TypeSubscription("do", "risky"));
    for (let n = 0; n < 3; n += 1) {
      await runtime.publishMessage(Do.of({ what: "count" }), new TopicId("do", "a"));
    }
    expect(await ask("count")).toEqual(Told.of({ n: 4 }));
    await runtime.stop();
  }, 30_000);

  test.each<[What, string]>([
    ["exit", "it left by itself, with code 7. Was process.exit() called?"],
    ["hoard", "it took more memory than the 256 MiB that it may have."],
  ])(
    "%s ends the thread alone, and its state comes back",
    async (what, why) => {
      const { runtime, ask } = await withRisky({
        maxMemoryBytes: 2 ** 28,
        unresponsiveAfterMs: 60_000,
      });
      await ask("count");
      await ask("count", "a", "safe");
      const error = await rejectionOf(ask(what));
      expect([error.code, error.message]).toEqual([
        "HANDLER_FAILED",
        `The agent's thread was ended, because ${why}`,
      ]);
      expect(await ask("count")).toEqual(Told.of({ n: 2 }));
      expect(await ask("count", "a", "safe")).toEqual(Told.of({ n: 102 }));
      await runtime.stop();
    },
    60_000,
  );

  test.each<What>(["reject", "leak"])(
    "%s outside of the handler ends the thread, and its state comes back",
    async (what) => {
      const { runtime, ask } = await withRisky({ maxMemoryBytes: 2 ** 27 });
      await ask("count");
      await ask("count", "b");
      const ended = rejectionOf(ask("hang", "b"));
      // It may end before the answer is out, or after.
      await Promise.allSettled([ask(what)]);
      const { code, message } = await ended;
      expect([code, message]).toEqual([
        "HANDLER_FAILED",
        expect.stringContaining("The agent's thread was ended, because it "),
      ]);
      expect(await ask("count")).toEqual(Told.of({ n: 2 }));
      await runtime.stop();
    },
    60_000,
  );

  test("a stored state that does not fit is kept aside, and the agent begins anew", async () => {
    const stateStore = createMemoryStore();
    stateStore.saveState(new AgentId("risky", "a"), '"three"');
    const { runtime, ask } = await withRisky({}, {}, { stateStore });
    expect(await ask("count")).toEqual(Told.of({ n: 1 }));
    expect(await ask("count")).toEqual(Told.of({ n: 2 }));
    expect(stateStore.loadState(new AgentId("risky", "a"))).toBe("2");
    const refused = await rejectionOf(runtime.agentLoadState(new AgentId("risky", "a"), "four"));
    expect(refused.code).toBe("STATE_REJECTED");
    await runtime.agentLoadState(new AgentId("risky", "a"), 7);
    expect(await ask("count")).toEqual(Told.of({ n: 8 }));
    await runtime.stop();
  }, 30_000);

  test("a type that shall be isolated and cannot be is refused, and says what to do", async () => {
    const runtime = new SingleThreadedAgentRuntime();
    const wanted = defineAgent({
      type: "wanted",
      description: "",
      options: { isolate: true },
      setup: () => undefined,
    });
    const error = await rejectionOf(registerAgent(runtime, wanted));
    expect([error.code, error.message]).toEqual([
      "INVALID_OPTION",
      expect.stringContaining("register isolated({ module, export })"),
    ]);
    await registerAgent(runtime, wanted, { isolate: false });
    const factory = isolated({ module, export: "Risky" });
    await runtime.registerFactory("risky", factory, { isolate: true, handlerTimeoutMs: 5 });
    const types = runtime.report().agentTypes;
    expect(types.map(({ type, isIsolated }) => [type, isIsolated])).toEqual([
      ["wanted", false],
      ["risky", true],
    ]);
    expect(types[1]?.rules).toMatchObject({ handlerTimeoutMs: 5, isolate: true, concurrency: 1 });
    await runtime.stop();
  });
});
