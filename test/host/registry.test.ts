import { expect, spyOn, test } from "bun:test";
import { patternOf, TypePrefixSubscription } from "../../src/core/subscription.ts";
import { thrownBy } from "../kit/thrown.ts";
import { event, exact, InMemoryHost } from "./in-memory-host.ts";

test("registry - a taken agent type is refused in AutoGen's words, to its own holder too", () => {
  using host = new InMemoryHost();
  const [first, second] = [host.join("first"), host.join("second")];
  first.register("a");
  for (const worker of [first, second]) {
    expect(thrownBy(() => worker.register("a"))).toMatchObject({
      code: "AGENT_TYPE_TAKEN",
      message: "Agent type a already registered with client first.",
      data: { agentType: "a", clientId: "first" },
    });
  }
  expect(thrownBy(() => second.register("a b")).code).toBe("INVALID_AGENT_ID");
});

test("registry - a subscription that exists is refused, and says whose it is", () => {
  using host = new InMemoryHost();
  const [first, second] = [host.join("first"), host.join("second")];
  first.subscribe(exact("topic", "a", "1"));
  expect(thrownBy(() => second.subscribe(exact("other", "a", "1")))).toMatchObject({
    code: "SUBSCRIPTION_EXISTS",
    message: "Subscription already exists",
    data: { clientId: "first" },
  });
  expect(thrownBy(() => second.subscribe(exact("topic", "a", "2")))).toMatchObject({
    code: "SUBSCRIPTION_EXISTS",
    data: { clientId: "first" },
  });
  second.subscribe(exact("topic", "b", "3"), new TypePrefixSubscription("topic", "a", "4"));
  expect(Array.from(host.registry.subscriptions, ({ id }) => id)).toEqual(["1", "3", "4"]);
});

test("registry - everything of a worker that leaves is forgotten, and can be taken by others", () => {
  using host = new InMemoryHost();
  const [first, second] = [host.join("first"), host.join("second")];
  first.register("a", "b");
  first.subscribe(exact("topic", "a", "1"), new TypePrefixSubscription("to", "b", "2"));
  second.subscribe(exact("topic", "c", "3"));
  first.leave();
  expect(host.registry.session("first")).toBeUndefined();
  expect(host.registry.holdersOf("a")).toBeUndefined();
  expect(Array.from(host.registry.subscriptions, patternOf)).toEqual(["topic"]);
  second.register("a");
  second.subscribe(exact("topic", "a", "1"));
  expect(host.registry.ownerOf("1")).toBe(second.session);
});

test("registry - removing one subscription leaves the others", () => {
  using host = new InMemoryHost();
  const worker = host.join("1");
  worker.register("a");
  worker.subscribe(exact("one", "a", "1"), exact("two", "a", "2"));
  host.registry.removeSubscription("1");
  expect(thrownBy(() => host.registry.removeSubscription("1"))).toMatchObject({
    code: "NO_SUCH_SUBSCRIPTION",
    message: "Subscription does not exist",
  });
  worker.send(event("e1", "one"));
  worker.send(event("e2", "two"));
  expect(worker.received().map(({ id }) => id)).toEqual(["e2"]);
  worker.leave();
  expect([...host.registry.subscriptions]).toEqual([]);
});

test("registry - the limits of workers, agent types and subscriptions hold", () => {
  using host = new InMemoryHost({
    maxWorkers: 2,
    maxAgentTypesPerWorker: 2,
    maxSubscriptionsPerWorker: 2,
  });
  const worker = host.join("1");
  host.join("2");
  expect(thrownBy(() => host.join("3"))).toMatchObject({
    code: "TOO_MANY",
    message: "The host knows 2 workers, which is its limit. Try again later or raise max-workers.",
  });
  worker.register("a", "b");
  expect(thrownBy(() => worker.register("c"))).toMatchObject({
    code: "TOO_MANY",
    message:
      "The worker has 2 agent types, which is the host's limit for one worker (max-agent-types).",
  });
  worker.subscribe(exact("one", "a", "1"), exact("two", "a", "2"));
  expect(thrownBy(() => worker.subscribe(exact("three", "a", "3")))).toMatchObject({
    code: "TOO_MANY",
    message:
      "The worker has 2 subscriptions, which is the host's limit for one worker (max-subscriptions).",
  });
  host.registry.removeSubscription("1");
  worker.subscribe(exact("three", "a", "3"));
});

test("registry - a publish among 10,000 subscriptions looks up no more than among 10", () => {
  const lookUpsOfPublish = (count: number): number => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.register("a");
    for (let number = 0; number < count; number += 1) {
      const name = String(number).padStart(5, "0");
      worker.subscribe(
        number % 2 === 0 ? exact(`t${name}`, "a") : new TypePrefixSubscription(`p${name}`, "a"),
      );
    }
    const get = spyOn(Map.prototype, "get");
    try {
      worker.send(event("e", "p00003:more"));
      return get.mock.calls.length;
    } finally {
      get.mockRestore();
      expect(worker.received()).toHaveLength(1);
    }
  };
  const lookUps = lookUpsOfPublish(10);
  expect(lookUps).toBeGreaterThan(0);
  expect(lookUpsOfPublish(10_000)).toBe(lookUps);
});
