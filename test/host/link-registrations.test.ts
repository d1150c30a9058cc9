import { describe, expect, test } from "bun:test";
import { TypeSubscription } from "../../src/core/subscription.ts";
import type { TypePolicy } from "../../src/core/type-policy.ts";
import { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import type { HostOptions } from "../../src/host/options.ts";
import { Outcome, type Welcome } from "../../src/wire/gen/agentrt/v1/link_pb.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { RawWorker } from "./raw-link-worker.ts";

async function startHost(options: Partial<HostOptions> = {}): Promise<GrpcWorkerAgentRuntimeHost> {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0", ...options });
  await host.start();
  return host;
}

type Asked = NonNullable<Parameters<RawWorker["register"]>[0]>[number];

function type(name: string, policy = ""): Asked {
  return { registration: { case: "agentType", value: { type: name, policy } } };
}

function subscription(
  topicType: string,
  agentType: string,
  id = `${topicType}>${agentType}`,
): Asked {
  const value = { id, subscription: { case: "typeSubscription", value: { topicType, agentType } } };
  return { registration: { case: "subscription", value } } as Asked;
}

async function welcomeOf(
  worker: RawWorker,
  registrations: readonly Asked[],
  producer?: string,
): Promise<Welcome> {
  await worker.register(registrations, producer);
  return worker.controls("welcome")[0] as Welcome;
}

const outcomes = ({ results }: Welcome): readonly string[] =>
  results.map(({ outcome, code }) =>
    outcome === Outcome.REFUSED ? code : (Outcome[outcome] ?? ""),
  );

describe("registrations in the hello, at the host", () => {
  test("agent types and subscriptions are there with the welcome, retained values and presence with them", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    await a.greet();
    await a.subscribe("watcher", "workers");
    a.agree(1, "kept", { retain: "true" });
    a.publish(1, 1, "last value");
    await waitFor(() => host.report().totals.eventsIn === 1, { what: "the event" });
    using b = new RawWorker(host.address, "b");
    const welcome = await welcomeOf(b, [
      type("reader"),
      type("many", "shared"),
      subscription("kept", "reader"),
    ]);
    expect(outcomes(welcome)).toEqual(["ACCEPTED", "ACCEPTED", "ACCEPTED"]);
    expect(welcome.capabilities).toContain("registrations");
    expect(b.frames[0]).toMatchObject({ kind: "control", frame: { case: "welcome" } });
    await waitFor(() => b.messages().length === 1, { what: "the retained value" });
    expect(host.report().workers.map(({ agentTypes }) => agentTypes)).toEqual([
      ["watcher"],
      ["reader", "many"],
    ]);
  });

  test("presence tells the worker first, and then its types", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    await a.greet();
    await a.subscribe("watcher", "system");
    const came = (): readonly string[] =>
      a
        .messages()
        .map(({ payload }) => {
          const news = JSON.parse(Buffer.from(payload.data).toString());
          return `${news.client_id} ${news.change} ${news.agent_type}`;
        })
        .filter((text) => text.startsWith("b "));
    using b = new RawWorker(host.address, "b");
    await welcomeOf(b, [type("one"), type("two")]);
    await waitFor(() => came().length === 3, { what: "the news" });
    expect(came()).toEqual(["b came ", "b came one", "b came two"]);
  });

  test("a refusal has the code, the text and the facts that the unary call has", async () => {
    await using host = await startHost({ maxAgentTypesPerWorker: 2, maxSubscriptionsPerWorker: 2 });
    using holder = new RawWorker(host.address, "holder");
    await holder.greet();
    await holder.subscribe("taken", "t");
    const twice = async (
      asked: Asked,
      unary: (worker: RawWorker) => Promise<void>,
      before: readonly Asked[] = [],
    ): Promise<string> => {
      using one = new RawWorker(host.address, "same-client");
      const welcome = await welcomeOf(one, [...before, asked]);
      const refused = welcome.results.at(-1);
      one[Symbol.dispose]();
      await waitFor(() => host.report().workers.length === 1, { what: "its end" });
      using other = new RawWorker(host.address, "same-client");
      await welcomeOf(other, before);
      const { code, message, data } = await rejectionOf(unary(other));
      const { grpcStatus: _, ...facts } = data;
      expect([refused?.code, refused?.message, JSON.parse(refused?.data || "{}")]).toEqual([
        code,
        message,
        facts,
      ]);
      other[Symbol.dispose]();
      await waitFor(() => host.report().workers.length === 1, { what: "its end" });
      return code;
    };
    const registering =
      (name: string, policy?: TypePolicy) =>
      (worker: RawWorker): Promise<void> =>
        worker.rpc.registerAgent(name, 5_000, { policy });
    const subscribing =
      (topicType: string, agentType: string, id?: string) =>
      (worker: RawWorker): Promise<void> =>
        worker.rpc.addSubscription(new TypeSubscription(topicType, agentType, id), 5_000);
    expect([
      await twice(type("taken"), registering("taken")),
      await twice(type("taken", "shared"), registering("taken", "shared")),
      await twice(type("two words"), registering("two words")),
      await twice(type("x", "odd"), registering("x", "odd" as TypePolicy)),
      await twice(type("c"), registering("c"), [type("a"), type("b")]),
      await twice(subscription("t", "taken", "mine"), subscribing("t", "taken", "mine")),
      await twice(subscription("u", "a"), subscribing("u", "a"), [
        subscription("x", "a"),
        subscription("y", "a"),
      ]),
    ]).toEqual([
      "AGENT_TYPE_TAKEN",
      "POLICY_CONFLICT",
      "INVALID_AGENT_ID",
      "INVALID_OPTION",
      "TOO_MANY",
      "SUBSCRIPTION_EXISTS",
      "TOO_MANY",
    ]);
    using odd = new RawWorker(host.address, "odd");
    expect(
      outcomes(
        await welcomeOf(odd, [
          subscription("no topic", "a"),
          { registration: { case: "subscription", value: { id: "x" } } },
          { registration: { case: undefined } },
          type("fine"),
        ]),
      ),
    ).toEqual(["INVALID_TOPIC", "INVALID_SUBSCRIPTION", "UNSPECIFIED", "ACCEPTED"]);
  });

  test("a subscription of a type that was refused is not tried", async () => {
    await using host = await startHost();
    using holder = new RawWorker(host.address, "holder");
    await welcomeOf(holder, [type("taken")]);
    using other = new RawWorker(host.address, "other");
    const welcome = await welcomeOf(other, [
      type("taken"),
      type("own"),
      subscription("t", "taken"),
      subscription("t", "own"),
    ]);
    expect(outcomes(welcome)).toEqual(["AGENT_TYPE_TAKEN", "ACCEPTED", "UNSPECIFIED", "ACCEPTED"]);
    expect(host.report().subscriptions.map(({ agentType }) => agentType)).toEqual(["own"]);
  });

  test("many refusals with long texts leave the welcome small; the rest is said to be untried", async () => {
    await using host = await startHost();
    using a = new RawWorker(host.address, "a");
    const welcome = await welcomeOf(
      a,
      Array.from({ length: 3_000 }, (_, index) => type(`${index} ${"x".repeat(1_000)}`)),
    );
    const kinds = outcomes(welcome);
    expect(kinds.length).toBe(3_000);
    const refused = kinds.filter((kind) => kind === "INVALID_AGENT_ID").length;
    expect(refused).toBeWithin(20, 3_000);
    expect(kinds.slice(refused).every((kind) => kind === "UNSPECIFIED")).toBe(true);
  });

  test("a worker that is back before its broken stream was seen has what it held; another process has not", async () => {
    await using host = await startHost();
    const asked = [type("mine"), subscription("t", "mine")];
    using before = new RawWorker(host.address, "w");
    await welcomeOf(before, asked, "w.1");
    using back = new RawWorker(host.address, "w");
    expect(outcomes(await welcomeOf(back, asked, "w.1"))).toEqual(["ACCEPTED", "ACCEPTED"]);
    await waitFor(() => before.error !== undefined, { what: "the end of the stream before" });
    using anew = new RawWorker(host.address, "w");
    expect(outcomes(await welcomeOf(anew, asked, "w.2"))).toEqual([
      "AGENT_TYPE_TAKEN",
      "UNSPECIFIED",
    ]);
  });

  test("a lost worker finds what is kept for it, and what was published meanwhile behind the welcome", async () => {
    await using host = await startHost({ sessionGraceMs: 60_000, drainTimeoutMs: 0 });
    using a = new RawWorker(host.address, "a");
    await a.greet();
    const asked = [type("mine"), subscription("t", "mine")];
    {
      using b = new RawWorker(host.address, "b");
      await welcomeOf(b, asked, "b.1");
    }
    await waitFor(() => host.report().totals.workersLeft === 1, { what: "the loss" });
    a.agree(1, "t");
    a.publish(1, 1, "meanwhile");
    await waitFor(() => host.report().totals.eventsIn === 1, { what: "the event" });
    using back = new RawWorker(host.address, "b");
    expect(outcomes(await welcomeOf(back, asked, "b.2"))).toEqual(["ACCEPTED", "ACCEPTED"]);
    await waitFor(() => back.messages().length === 1, { what: "the event" });
    expect(back.frames[0]).toMatchObject({ kind: "control", frame: { case: "welcome" } });
  });
});
