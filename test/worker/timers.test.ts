import { describe, expect, test } from "bun:test";
import {
  AgentId,
  type AgentTimer,
  defineAgent,
  defineMessage,
  RoutedAgent,
  SingleThreadedAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { thrownBy } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";

const Go = defineMessage("Go", v.object({}));
const id = new AgentId("clock", "a");
const wait = { intervalMs: 2 };

/** A runtime with one agent whose set-up is given. */
async function withAgent(setup: (agent: RoutedAgent) => void) {
  const runtime = new SingleThreadedAgentRuntime({ drainTimeoutMs: 0 });
  const factory = defineAgent({ description: "", setup });
  await runtime.registerFactory("clock", factory, { idleTimeoutMs: 1 });
  await runtime.start();
  return runtime;
}

describe("timers", () => {
  test("every and after - run in turn with the messages, never two at a time", async () => {
    let inside = 0;
    let most = 0;
    const runs = { every: 0, after: 0, message: 0 };
    const work = async (name: keyof typeof runs): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await Bun.sleep(1);
      inside -= 1;
      runs[name] += 1;
    };
    await using runtime = await withAgent((agent) => {
      agent.every(1, () => work("every"));
      agent.every(1, () => work("every"));
      agent.after(0, () => work("after"));
      agent.handleRpc(Go, async () => {
        await work("message");
      });
    });
    await waitFor(
      async () => {
        await runtime.sendMessage(Go.of({}), id);
        return runs.every >= 5 && runs.after === 1;
      },
      { what: "the timers", ...wait },
    );
    expect(most).toBe(1);
    expect(runs.message).toBeGreaterThan(0);
  });

  test("cron - runs by its pattern", async () => {
    let runs = 0;
    await using runtime = await withAgent((agent) => {
      agent.cron("* * * * * *", () => {
        runs += 1;
      });
    });
    await runtime.tryGetUnderlyingAgentInstance(id);
    await waitFor(() => runs > 0, { what: "the next second", ...wait });
  });

  test("what cannot be scheduled is refused, with the reason", async () => {
    const agent = new RoutedAgent("");
    for (const make of [
      () => agent.every(0, () => undefined),
      () => agent.every(2 ** 31, () => undefined),
      () => agent.after(Number.NaN, () => undefined),
      () => agent.cron("every full moon", () => undefined),
      () => agent.cron("* * * * *", () => undefined, { timeZone: "Mars/Olympus" }),
    ]) {
      expect(thrownBy(make).code).toBe("INVALID_OPTION");
    }
    expect(agent.canBePutAway()).toBe(true);
  });

  test("a run that fails harms neither its schedule nor the agent", async () => {
    let runs = 0;
    await using runtime = await withAgent((agent) => {
      agent.every(1, () => {
        runs += 1;
        throw new Error("this run fails");
      });
      agent.handleRpc(Go, () => undefined);
    });
    await runtime.tryGetUnderlyingAgentInstance(id);
    await waitFor(() => runs >= 3, { what: "three runs", ...wait });
    await runtime.sendMessage(Go.of({}), id);
    expect(runtime.report().agentTypes).toMatchObject([{ type: "clock", restarts: 0 }]);
    expect(runtime.counts.failed).toBeGreaterThanOrEqual(2);
  });

  test("a stopped schedule does not run, not even when a run waits for its turn", async () => {
    let runs = 0;
    let timer: AgentTimer | undefined;
    const entered = Promise.withResolvers<void>();
    await using runtime = await withAgent((agent) => {
      agent.handleRpc(Go, async () => {
        timer = agent.every(1, () => {
          runs += 1;
        });
        entered.resolve();
        await waitFor(() => runtime.report().pending > 1, { what: "a run to be due", ...wait });
        timer.stop();
      });
    });
    await runtime.sendMessage(Go.of({}), id);
    await entered.promise;
    await runtime.idle();
    expect([runs, timer?.isStopped, timer?.name]).toEqual([0, true, "every 1 ms"]);
  });

  test("an agent with a schedule is not put away; without one it is", async () => {
    let closed = 0;
    await using runtime = new SingleThreadedAgentRuntime();
    let timer: AgentTimer | undefined;
    const factory = defineAgent({
      description: "",
      setup(agent) {
        agent.handleRpc(Go, () => undefined);
        timer = agent.every(2 ** 31 - 1, () => undefined);
        return {
          close: () => {
            closed += 1;
          },
        };
      },
    });
    let others = 0;
    const other = defineAgent({
      description: "",
      setup(agent) {
        agent.handleRpc(Go, () => undefined);
        return {
          close: () => {
            others += 1;
          },
        };
      },
    });
    await runtime.registerFactory("clock", factory, { idleTimeoutMs: 5 });
    await runtime.registerFactory("other", other, { idleTimeoutMs: 20 });
    await runtime.start();
    await runtime.sendMessage(Go.of({}), id);
    await runtime.sendMessage(Go.of({}), new AgentId("other", "a"));
    await waitFor(() => others === 1, { what: "the other agent to be put away", ...wait });
    expect(closed).toBe(0);
    timer?.stop();
    await waitFor(() => closed === 1, { what: "the agent to be put away", ...wait });
  });

  test("stop and restart - schedules end with their instance", async () => {
    const timers: AgentTimer[] = [];
    const runtime = new SingleThreadedAgentRuntime();
    const factory = defineAgent({
      description: "",
      setup(agent) {
        timers.push(agent.every(1_000_000, () => undefined));
        agent.handleEvent(Go, () => undefined);
        agent.handleRpc(Go, () => {
          throw new Error("it fails");
        });
      },
    });
    const restart = { afterFailures: 1, backoffInitialMs: 1 };
    await runtime.registerFactory("clock", factory, { restart });
    await runtime.addSubscription(new TypeSubscription("go", "clock"));
    await runtime.start();
    await runtime.sendMessage(Go.of({}), id).catch(() => undefined);
    await runtime.publishMessage(Go.of({}), new TopicId("go", "a"));
    await runtime.idle();
    expect(timers.map(({ isStopped }) => isStopped)).toEqual([true, false]);
    await runtime.stop();
    expect(timers.map(({ isStopped }) => isStopped)).toEqual([true, true]);
  });
});
