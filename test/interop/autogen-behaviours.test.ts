/**
 * What AutoGen's own tests of its distributed runtime expect of a host, here of both hosts, with
 * AutoGen workers only. Seen with AutoGen's host first; it is in the list so that it stays true.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { waitFor } from "../kit/wait.ts";
import { answer, ask } from "./contract/call.ts";
import { note } from "./contract/publish.ts";
import { Peer } from "./peer.ts";
import {
  AgentrtHost,
  fresh,
  type RunningHost,
  SETUP_TIMEOUT_MS,
  startAutogenHost,
  TEST_TIMEOUT_MS,
} from "./stage.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

const HOSTS: readonly { readonly name: string; readonly start: () => Promise<RunningHost> }[] = [
  { name: "autogen host", start: startAutogenHost },
  { name: "agentrt host", start: async () => await AgentrtHost.start() },
];

describe.each([...HOSTS])("$name - as AutoGen's tests expect", ({ start }) => {
  const stack = new AsyncDisposableStack();
  let one: Peer;
  let two: Peer;
  let address: string;
  beforeAll(async () => {
    const host = stack.use(await start());
    address = host.address;
    [one, two] = await Promise.all([Peer.python(host.address), Peer.python(host.address)]);
    stack.use(one);
    stack.use(two);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => await stack.disposeAsync());

  test("a worker knows by itself that it has a type already, and may hold many types", async () => {
    const [name, other] = [fresh("name"), fresh("name")];
    await one.register(name, "mute");
    await expect(one.register(name, "mute")).rejects.toMatchObject({ type: "ValueError" });
    await one.register(other, "mute");
    await expect(two.register(other, "mute")).rejects.toThrow(
      `Agent type ${other} already registered`,
    );
  });

  test("a worker that was refused a type takes it for its own all the same, also when it is free again", async () => {
    const name = fresh("name");
    const third = await Peer.python(address);
    await using _third = third;
    await one.register(name, "mute");
    await expect(third.register(name, "mute")).rejects.toThrow(`Agent type ${name} already`);
    await one.tell("leave");
    await one.tell("join");
    await expect(third.register(name, "mute")).rejects.toMatchObject({ type: "ValueError" });
    // That is the worker's memory, not the host's: another one gets the type.
    await two.register(name, "mute");
  });

  test("a subscription that was removed brings nothing more, and the others still do", async () => {
    const [agent, topic, fence] = [fresh("name"), fresh("topic"), fresh("fence")];
    await one.register(agent, "recorder", [fence]);
    const subscriptionId = (await one.tell("subscribe", {
      kind: "type",
      pattern: topic,
      agentType: agent,
    })) as string;
    await two.publish(`${topic}/default`, note("before"));
    await one.waitForReceived(agent, 1);
    await one.tell("unsubscribe", { subscriptionId });
    expect((await subscriptionsOf(two, agent)).map(({ id }) => id)).not.toContain(subscriptionId);
    await two.publish(`${topic}/default`, note("after"));
    await two.publish(`${fence}/default`, note("fence"));
    const received = await one.waitForReceived(agent, 2);
    expect(received.map(({ message }) => message)).toEqual([note("before"), note("fence")]);
  });

  test("an agent with a default subscription gets what is published on the default topic", async () => {
    const agent = fresh("name");
    await one.register(agent, "default-recorder");
    await two.publish("default/default", note("default"));
    await two.publish("default/other", note("other"));
    const received = await one.waitForReceived(agent, 2);
    expect(received.map((got) => [got.agent, got.topic, got.message])).toEqual([
      [`${agent}/default`, "default/default", note("default")],
      [`${agent}/other`, "default/other", note("other")],
    ]);
  });

  test("an agent subscribed by its class gets that topic and no other", async () => {
    const agent = fresh("name");
    await one.register(agent, "class-recorder");
    await two.publish("default/default", note("not for it"));
    await two.publish("recorded_by_class/kitchen", note("for it"));
    const received = await one.waitForReceived(agent, 1);
    expect(received.map((got) => [got.agent, got.message])).toEqual([
      [`${agent}/kitchen`, note("for it")],
    ]);
  });

  test("a closure agent gets notes on its topics", async () => {
    const agent = fresh("closure");
    await one.register(agent, "closure");
    await two.publish("default/default", note("by default"));
    await two.publish(`${agent}_topic/attic`, note("by topic"));
    await two.publish(`${agent}:direct/attic`, note("by name"));
    const received = await one.waitForReceived(agent, 3);
    expect(received.map((got) => [got.agent, got.message])).toEqual([
      [`${agent}/default`, note("by default")],
      [`${agent}/attic`, note("by topic")],
      [`${agent}/attic`, note("by name")],
    ]);
  });

  test("Agent.register subscribes to topics of the agent's own name", async () => {
    const agent = fresh("name");
    await one.register(agent, "default-recorder");
    expect(await subscriptionsOf(two, agent)).toEqual([
      { id: expect.any(String), kind: "type", pattern: "default", agentType: agent },
      { id: expect.any(String), kind: "prefix", pattern: `${agent}:`, agentType: agent },
    ]);
  });

  test("a connection that breaks takes its types and subscriptions with it", async () => {
    const agent = fresh("name");
    await one.register(agent, "default-recorder");
    const before = await subscriptionsOf(two, agent);
    expect(before).toHaveLength(2);
    await one.publish("default/default", note("before"));
    await one.tell("cut");
    await waitFor(async () => (await subscriptionsOf(two, agent)).length === 0, {
      what: `the host to forget ${agent}`,
    });
    await one.tell("join");
    await one.register(agent, "default-recorder");
    const after = await subscriptionsOf(two, agent);
    expect(after).toHaveLength(2);
    expect(after.map(({ id }) => id)).not.toContain(before[0]?.id);
    const count = one.receivedBy(agent).length;
    await two.publish("default/default", note("after"));
    const received = await one.waitForReceived(agent, count + 1);
    expect(received.at(-1)?.message).toEqual(note("after"));
  });

  test("living instances are registered, one for each id", async () => {
    const type = fresh("living");
    const living = (key: string, kind: string) => ({ agent: `${type}/${key}`, kind });
    expect(await one.tell("registerInstance", living("default", "recorder"))).toBe(true);
    expect(await one.tell("registerInstance", living("notdefault", "recorder"))).toBe(true);
    await expect(one.tell("registerInstance", living("default", "recorder"))).rejects.toMatchObject(
      {
        type: "ValueError",
      },
    );
    await expect(one.tell("registerInstance", living("third", "callee"))).rejects.toMatchObject({
      type: "ValueError",
      message: "Agent instances must be the same object type.",
    });
    await expect(one.register(type, "recorder")).rejects.toMatchObject({ type: "ValueError" });
    await expect(two.register(type, "recorder")).rejects.toThrow(
      `Agent type ${type} already registered`,
    );
  });

  test("a registered instance is reached by the topic of its key", async () => {
    const [type, key] = [fresh("living"), fresh("key")];
    await one.tell("registerInstance", {
      agent: `${type}/${key}`,
      kind: "recorder",
      subscribe: true,
    });
    await two.publish(`${key}/${key}`, note("to the instance"));
    const received = await one.waitForReceived(type, 1);
    expect(received.map((got) => [got.agent, got.message])).toEqual([
      [`${type}/${key}`, note("to the instance")],
    ]);
  });

  test("a registered instance answers calls, and its messages meet those of a factory's agents", async () => {
    const [callee, living, key, made, topic] = [
      fresh("callee"),
      fresh("living"),
      fresh("key"),
      fresh("cascader"),
      fresh("cascade"),
    ];
    await one.tell("registerInstance", { agent: `${callee}/k`, kind: "callee", subscribe: true });
    expect(await one.call(`${callee}/k`, ask("echo", "Hello!"))).toEqual(
      answer("Hello!", `${callee}/k`),
    );
    await one.tell("registerInstance", {
      agent: `${living}/${key}`,
      kind: "cascader",
      subscribe: true,
    });
    await one.register(made, "cascader", [topic]);
    // Rounds 1 to 3 make the instance publish one message each for the other, of rounds 2 to 4; what the
    // other then publishes comes back to itself alone, and its own echo is kept from it.
    for (let round = 1; round <= 4; round += 1) {
      const data = { round, topic };
      await two.publish(`${key}/${key}`, { type: "Round", data });
    }
    const calls = async (agent: string) => Number(await one.tell("countCalls", { agent }));
    await waitFor(async () => (await calls(`${made}/default`)) === 3, { what: "three calls" });
    expect(await calls(`${living}/${key}`)).toBe(4);
  });

  test("messages that make messages are all delivered: five agents of one worker", async () => {
    const topic = fresh("cascade");
    const agents = Array.from({ length: 5 }, () => fresh("cascader"));
    for (const agent of agents) {
      await one.register(agent, "cascader", [topic]);
    }
    await expectCascade(
      topic,
      agents.map((agent) => [one, agent]),
      3,
    );
  });

  test("messages that make messages are all delivered: agents of two workers", async () => {
    const topic = fresh("cascade");
    const agents = [one, two, one, two].map((peer) => [peer, fresh("cascader")] as const);
    for (const [peer, agent] of agents) {
      await peer.register(agent, "cascader", [topic]);
    }
    await expectCascade(topic, agents, 3);
  });

  /** N agents that each answer a message of a round with one to the N-1 others get initial * sum of (N-1)^round. */
  async function expectCascade(
    topic: string,
    agents: readonly (readonly [Peer, string])[],
    initial: number,
  ): Promise<void> {
    const rounds = 4;
    let expected = 0;
    for (let round = 0; round < rounds; round += 1) {
      expected += initial * (agents.length - 1) ** round;
    }
    const publish = async (round: number) =>
      await two.publish(`${topic}/default`, { type: "Round", data: { round, topic } });
    const counts = async () =>
      await Promise.all(
        agents.map(([peer, agent]) => peer.tell("countCalls", { agent: `${agent}/default` })),
      );
    for (let n = 0; n < initial; n += 1) {
      await publish(1);
    }
    const allAre = async (count: number) =>
      (await counts()).every((found) => Number(found) >= count);
    await waitFor(() => allAre(expected), {
      what: `${expected} calls of each agent`,
      timeoutMs: 25_000,
    });
    // One more of the last round, which makes no others: had any message come twice, the counts would show it.
    await publish(rounds);
    await waitFor(() => allAre(expected + 1), { what: "the last call of each agent" });
    expect(await counts()).toEqual(agents.map(() => expected + 1));
  }
});

interface SubscriptionOfHost {
  readonly id: string;
  readonly kind: string;
  readonly pattern: string;
  readonly agentType: string;
}

async function subscriptionsOf(
  peer: Peer,
  agentType: string,
): Promise<readonly SubscriptionOfHost[]> {
  const all = (await peer.tell("subscriptions")) as readonly SubscriptionOfHost[];
  return all
    .filter((subscription) => subscription.agentType === agentType)
    .toSorted((a, b) => b.kind.localeCompare(a.kind));
}
