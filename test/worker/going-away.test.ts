import { expect, test } from "bun:test";
import {
  AgentId,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  GrpcWorkerAgentRuntimeHost,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { freePort } from "../kit/ports.ts";
import { waitFor } from "../kit/wait.ts";

const Number_ = defineMessage("Number", v.object({ value: v.number() }));
const topic = new TopicId("numbers", "x");

test("a host that stops hands its workers over - no call fails, and no event comes twice", async () => {
  const port = await freePort();
  const hostAddress = `127.0.0.1:${port}`;
  const start = async (): Promise<GrpcWorkerAgentRuntimeHost> => {
    const host = new GrpcWorkerAgentRuntimeHost({ listen: hostAddress });
    await host.start();
    return host;
  };
  const first = await start();
  await using callee = new GrpcWorkerAgentRuntime({ hostAddress });
  await using caller = new GrpcWorkerAgentRuntime({ hostAddress });
  const heard: number[] = [];
  const agent = defineAgent({
    description: "doubles",
    setup: (self) => {
      self.handleEvent(Number_, ({ value }) => {
        heard.push(value);
      });
      self.handleRpc(Number_, async ({ value }) => {
        await new Promise((resolve) => setImmediate(resolve));
        return Number_.of({ value: value * 2 });
      });
    },
  });
  await callee.registerFactory("doubler", agent);
  await callee.addSubscription(new TypeSubscription("numbers", "doubler"));
  caller.addMessageType(Number_);
  await callee.start();
  await caller.start();
  const answers: Promise<object | undefined>[] = [];
  let isOver = false;
  const ask = async (): Promise<void> => {
    for (let value = 0; !isOver; value += 1) {
      answers.push(caller.sendMessage(Number_.of({ value }), new AgentId("doubler", "x")));
      await caller.publishMessage(Number_.of({ value }), topic);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const asking = ask();
  await waitFor(() => answers.length > 20, { what: "calls" });
  await first.stop();
  const before = answers.length;
  await using _second = await start();
  await waitFor(() => answers.length > before + 20 && caller.isConnected, { what: "more calls" });
  isOver = true;
  await asking;
  const results = await Promise.all(answers);
  expect(results).toEqual(results.map((_, value) => Number_.of({ value: value * 2 })));
  await caller.publishMessage(Number_.of({ value: results.length }), topic);
  await waitFor(() => heard.at(-1) === results.length, { what: "the last event" });
  // Plain events wait for nobody: those that the caller sent before the other was back are not kept.
  expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
  expect(heard.slice(0, 20)).toEqual(results.slice(0, 20).map((_, value) => value));
}, 30_000);
