import { describe, expect, test } from "bun:test";
import {
  type DeadLetter,
  defineAgent,
  SingleThreadedAgentRuntime,
  TypeSubscription,
} from "agentrt";
import { rejectionOf } from "../kit/thrown.ts";
import { kitchen, Reading, recorder } from "./in-process-agents.ts";

describe("life", () => {
  test("stop - lets the handler in flight finish, is final, and closes agents", async () => {
    const events: string[] = [];
    const gate = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "slow",
      defineAgent({
        description: "slow",
        setup(agent) {
          agent.handleEvent(Reading, async () => {
            entered.resolve();
            await gate.promise;
            events.push("handled");
          });
          return { close: () => void events.push("closed") };
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("readings", "slow"));
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await entered.promise;
    const stopped = runtime.stop();
    gate.resolve();
    await stopped;
    expect(events).toEqual(["handled", "closed"]);
    expect((await rejectionOf(runtime.start())).code).toBe("RUNTIME_STATE");
    expect(
      (await rejectionOf(runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen))).code,
    ).toBe("RUNTIME_STATE");
    await runtime.stop();
  });

  test("stop - a handler that hangs is left behind after the drain time, what waits is a dead letter", async () => {
    const letters: DeadLetter[] = [];
    const entered = Promise.withResolvers<void>();
    const runtime = new SingleThreadedAgentRuntime({
      drainTimeoutMs: 1,
      onDeadLetter: (letter) => letters.push(letter),
    });
    await runtime.registerFactory(
      "hung",
      defineAgent({
        description: "hangs",
        setup(agent) {
          agent.handleEvent(Reading, async () => {
            entered.resolve();
            await new Promise(() => undefined);
          });
        },
      }),
    );
    await runtime.addSubscription(new TypeSubscription("readings", "hung"));
    await runtime.start();
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await entered.promise;
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    await runtime.stop();
    expect(letters.map((letter) => letter.reason)).toEqual(["WORKER_GONE"]);
  });

  test("stopWhen - ends as soon as the condition holds", async () => {
    const seen: string[] = [];
    const runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("rec", recorder(seen));
    await runtime.addSubscription(new TypeSubscription("readings", "rec"));
    await runtime.start();
    const stopped = runtime.stopWhen(() => seen.length === 2);
    await runtime.publishMessage(Reading.of({ celsius: 1 }), kitchen);
    await runtime.publishMessage(Reading.of({ celsius: 2 }), kitchen);
    await stopped;
    expect(seen).toHaveLength(2);
  });
});
