import { afterEach, beforeEach, describe, expect, type Mock, spyOn, test } from "bun:test";
import {
  type AgentFactory,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  type GrpcWorkerAgentRuntimeHost,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { AgentRpcClient } from "../../src/wire/autogen/client.ts";
import { Outcome } from "../../src/wire/gen/agentrt/v1/link_pb.ts";
import { freePort } from "../kit/ports.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeLinkHost, FIRST_WELCOME } from "./fake-link-host.ts";
import { startHost } from "./on-our-host.ts";

const Text = defineMessage("Text", v.object({ text: v.string() }));
const quiet = defineAgent({ description: "", setup: () => undefined });
const UNARY = [
  "registerAgent",
  "addSubscription",
  "removeSubscription",
  "getSubscriptions",
] as const;

let spies: Mock<(...given: never[]) => unknown>[] = [];
const unaryCalls = (): number => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);

const typesAt = (host: GrpcWorkerAgentRuntimeHost): number =>
  host.report().workers.reduce((sum, { agentTypes }) => sum + agentTypes.length, 0);

beforeEach(() => {
  spies = UNARY.map(
    (name) => spyOn(AgentRpcClient.prototype, name) as unknown as (typeof spies)[0],
  );
});
afterEach(() => {
  for (const spy of spies) {
    spy.mockRestore();
  }
});

/** A worker with `count` agent types, each subscribed to a topic of its name. */
async function workerWith(
  count: number,
  hostAddress: string,
  agent: AgentFactory = quiet,
): Promise<GrpcWorkerAgentRuntime> {
  const runtime = new GrpcWorkerAgentRuntime({ hostAddress, registration: "wait" });
  for (let index = 0; index < count; index += 1) {
    await runtime.registerFactory(`type.${index}`, agent);
    await runtime.addSubscription(new TypeSubscription(`topic.${index}`, `type.${index}`));
  }
  return runtime;
}

describe("registrations in the hello", () => {
  test("a worker with 50 types comes, and comes back to a host that was started anew, without a unary call", async () => {
    const heard: string[] = [];
    const agent = defineAgent({
      description: "",
      setup: (self) =>
        self.handleEvent(Text, ({ text }) => {
          heard.push(text);
        }),
    });
    const listen = `127.0.0.1:${await freePort()}`;
    const first = await startHost({ listen });
    await using runtime = await workerWith(50, listen, agent);
    await runtime.start();
    expect(typesAt(first)).toBe(50);
    let states: string[] = [];
    runtime.onConnectionChange(({ kind }) => states.push(kind));
    await first.stop();
    await using second = await startHost({ listen });
    await waitFor(() => states.includes("connected"), { what: "the second connection" });
    expect(typesAt(second)).toBe(50);
    expect(unaryCalls()).toBe(0);
    for (const index of [0, 49]) {
      await runtime.publishMessage(
        Text.of({ text: `${index}` }),
        new TopicId(`topic.${index}`, "s"),
      );
    }
    await waitFor(() => heard.length === 2, { what: "both messages" });
    expect(heard).toEqual(["0", "49"]);
    // What is registered while it is connected goes by a unary call, and with the hello next time.
    await runtime.registerFactory("late", quiet);
    expect(unaryCalls()).toBe(1);
    states = [];
    await second.stop();
    await using third = await startHost({ listen });
    await waitFor(() => states.includes("connected"), { what: "the third connection" });
    expect(typesAt(third)).toBe(51);
    expect(unaryCalls()).toBe(1);
  });

  test("a host of the first form of the dialect is told by unary calls, types before subscriptions", async () => {
    await using host = await FakeLinkHost.start();
    await using runtime = await workerWith(2, host.address);
    await runtime.start();
    expect(host.hellos.map(({ registrations }) => registrations.length)).toEqual([4]);
    expect(host.calls).toEqual(["type.0", "type.1", "type.0 subscribes", "type.1 subscribes"]);
    host.streams[0]?.end();
    await waitFor(() => host.calls.length === 8 && runtime.isConnected, { what: "all again" });
    expect(host.calls.slice(4)).toEqual(host.calls.slice(0, 4));
  });

  test("what the host says nothing of is asked for by unary calls", async () => {
    const results = [{ outcome: Outcome.ACCEPTED }, { outcome: Outcome.UNSPECIFIED }];
    await using host = await FakeLinkHost.start((_, welcome) =>
      welcome({ ...FIRST_WELCOME, results }),
    );
    await using runtime = await workerWith(2, host.address);
    await runtime.start();
    expect(host.calls).toEqual(["type.1", "type.0 subscribes", "type.1 subscribes"]);
  });

  test("a refusal ends start as that of the unary call does, and the wait for a type as well", async () => {
    await using host = await startHost();
    const holder = await workerWith(1, host.address);
    await holder.start();
    const message = `Agent type type.0 already registered with client ${holder.clientId}.`;
    await using other = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await other.registerFactory("type.0", quiet);
    const error = await rejectionOf(other.start());
    expect([error.code, error.message, error.data]).toEqual([
      "AGENT_TYPE_TAKEN",
      message,
      { agentType: "type.0", clientId: holder.clientId },
    ]);
    await using waiting = await workerWith(1, host.address);
    await waiting.start();
    expect(host.report().subscriptions.map(({ clientId }) => clientId)).toEqual([holder.clientId]);
    await holder.stop();
    await waitFor(
      () => host.report().subscriptions.some(({ clientId }) => clientId === waiting.clientId),
      { what: "the type's new holder" },
    );
  });

  test("a hello that the host finds too large goes without registrations", async () => {
    await using host = await startHost({ maxMessageBytes: 1_024 });
    await using runtime = await workerWith(30, host.address);
    await runtime.start();
    expect(typesAt(host)).toBe(30);
    expect(host.report().subscriptions.length).toBe(30);
  });

  test("a subscription that is taken back between hello and welcome is taken back at the host", async () => {
    let welcome: () => void = () => undefined;
    await using host = await FakeLinkHost.start(({ registrations }, send) => {
      const results = registrations.map(() => ({ outcome: Outcome.ACCEPTED }));
      welcome = () => send({ ...FIRST_WELCOME, results });
    });
    await using runtime = await workerWith(1, host.address);
    const extra = new TypeSubscription("extra", "type.0", "the-extra-one");
    await runtime.addSubscription(extra);
    const started = runtime.start();
    await waitFor(() => host.hellos.length === 1, { what: "the hello" });
    await runtime.removeSubscription(extra.id);
    welcome();
    await started;
    await waitFor(() => host.calls.includes("remove the-extra-one"), { what: "the removal" });
    expect(host.calls.filter((call) => call !== "proof")).toEqual(["remove the-extra-one"]);
  });
});
