import { describe, expect, test } from "bun:test";
import { AgentId, AgentrtError, defineAgent, messageOf, SingleThreadedAgentRuntime } from "agentrt";
import { rejectionOf } from "../kit/thrown.ts";
import { Answer, counter, Reading } from "./in-process-agents.ts";

describe("call", () => {
  test("result - comes back decoded", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory("counter", counter);
    runtime.addMessageType(Answer);
    await runtime.start();
    const id = new AgentId("counter", "a");
    expect(await runtime.sendMessage(Reading.of({ celsius: 1 }), id)).toEqual({ text: "1" });
    const answer = await runtime.sendMessage(Reading.of({ celsius: 1 }), id);
    expect(Answer.is(answer) && answer.text).toBe("2");
  });

  test("errors - the handler's text, the handler's code, no agent, no handler", async () => {
    await using runtime = new SingleThreadedAgentRuntime();
    await runtime.registerFactory(
      "bad",
      defineAgent({
        description: "fails",
        setup(agent) {
          agent.handleRpc(Reading, (data) => {
            throw data.celsius > 0
              ? new Error("too warm")
              : new AgentrtError("QUEUE_FULL", "no more room");
          });
        },
      }),
    );
    await runtime.start();
    const bad = new AgentId("bad", "x");
    const failed = await rejectionOf(runtime.sendMessage(Reading.of({ celsius: 1 }), bad));
    expect([failed.code, failed.message]).toEqual(["HANDLER_FAILED", "too warm"]);
    const own = await rejectionOf(runtime.sendMessage(Reading.of({ celsius: 0 }), bad));
    expect([own.code, own.message]).toEqual(["QUEUE_FULL", "no more room"]);
    const nobody = new AgentId("nobody", "x");
    expect((await rejectionOf(runtime.sendMessage(Reading.of({ celsius: 0 }), nobody))).code).toBe(
      "NO_SUCH_AGENT",
    );
    expect((await rejectionOf(runtime.sendMessage(Answer.of({ text: "" }), bad))).code).toBe(
      "CANNOT_HANDLE",
    );
    expect(runtime.counts.failed).toBe(3);
  });

  test("deadline and cancellation - end the call and tell the handler", async () => {
    const aborted: string[] = [];
    await using runtime = new SingleThreadedAgentRuntime({ drainTimeoutMs: 0 });
    await runtime.registerFactory(
      "slow",
      defineAgent({
        description: "waits until it is told to stop",
        setup(agent) {
          agent.handleRpc(Reading, async (_data, { signal }) => {
            if (!signal.aborted) {
              await new Promise((resolve) => {
                signal.addEventListener("abort", resolve);
              });
            }
            aborted.push(`${agent.id}: ${messageOf(signal.reason)}`);
            throw signal.reason;
          });
        },
      }),
    );
    await runtime.start();
    const slow = (key: string): AgentId => new AgentId("slow", key);
    const reading = Reading.of({ celsius: 1 });
    const late = await rejectionOf(runtime.sendMessage(reading, slow("a"), { timeoutMs: 5 }));
    expect([late.code, late.message]).toEqual([
      "DEADLINE",
      "Agent slow/a did not answer within 5 ms. It may be busy or hung; ask again, or raise timeoutMs.",
    ]);
    const gaveUp = new AbortController();
    const call = rejectionOf(runtime.sendMessage(reading, slow("b"), { signal: gaveUp.signal }));
    gaveUp.abort();
    expect((await call).code).toBe("CANCELLED");
    const before = await rejectionOf(
      runtime.sendMessage(reading, slow("c"), { signal: gaveUp.signal }),
    );
    expect(before.code).toBe("CANCELLED");
    await runtime.idle();
    // The call to c was given up before its agent saw it.
    expect(aborted).toEqual([
      `slow/a: ${late.message}`,
      "slow/b: The caller gave up waiting for slow/b.",
    ]);
    const open = rejectionOf(runtime.sendMessage(reading, slow("d")));
    await runtime.stop();
    expect((await open).code).toBe("WORKER_GONE");
  });
});
