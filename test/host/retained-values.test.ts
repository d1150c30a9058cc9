import { describe, expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { EventEnvelope } from "../../src/core/envelope.ts";
import { AGE_HEADER, RECEIVERS_HEADER } from "../../src/core/routing-headers.ts";
import { TypePrefixSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { RetainedValues } from "../../src/host/retained-values.ts";
import { event, exact, type FakeWorker, InMemoryHost, textOf } from "./in-memory-host.ts";

const RETAIN = { retain: "true" };

function kept(id: string, topic: string, text: string, headers = RETAIN): EventEnvelope {
  const topicId = TopicId.parse(topic);
  return { ...event(id, topicId.type, headers, text), topic: topicId };
}

function textsOf(worker: FakeWorker): string[] {
  return worker.received().map(textOf);
}

function subscriber(host: InMemoryHost, topicType: string, name = "late"): FakeWorker {
  const worker = host.join(name);
  worker.register(name);
  worker.subscribe(exact(topicType, name));
  return worker;
}

const LIMITS = {
  retain: [],
  retainMaxAgeMs: 1_000,
  retainOwnerGraceMs: 100,
  retainMaxValues: 3,
  retainMaxBytes: 10_000,
};
const OWNER = { kind: "agent-type", name: "x" } as const;

function valuesIn(values: RetainedValues, topicType = "t"): string[] {
  return [...values.matching(exact(topicType, "any"))].map(({ event: one }) => textOf(one));
}

describe("retained - for a new subscriber", () => {
  test("retained - it gets the last value of each source at once, marked with its age, and then what comes", () => {
    using host = new InMemoryHost();
    const sender = host.join("sender");
    sender.send(kept("1", "t/kitchen", "old"));
    sender.send(kept("2", "t/kitchen", "new"));
    sender.send(kept("3", "t/cellar", "cold"));
    sender.send(kept("4", "other/kitchen", "no"));
    sender.send(event("5", "t", {}, "passing"));
    host.nowMs = 250;
    const late = subscriber(host, "t");
    const got = late.received();
    expect(got.map(textOf)).toEqual(["new", "cold"]);
    expect(got.map(({ headers }) => headers[AGE_HEADER])).toEqual(["250", "250"]);
    expect(got.map(({ headers }) => headers[RECEIVERS_HEADER])).toEqual(["late", "late"]);
    sender.send(kept("6", "t/kitchen", "newest"));
    const [fresh] = late.received();
    expect(fresh?.headers[AGE_HEADER]).toBeUndefined();
    expect(host.totals).toMatchObject({ eventsReplayed: 2, eventsDelivered: 3 });
  });

  test("retained - a prefix subscription gets all that it matches", () => {
    using host = new InMemoryHost();
    const sender = host.join("sender");
    sender.send(kept("1", "home.a/1", "a"));
    sender.send(kept("2", "home.b/1", "b"));
    sender.send(kept("3", "house/1", "c"));
    const late = host.join("late");
    late.register("late");
    late.subscribe(new TypePrefixSubscription("home.", "late"));
    expect(textsOf(late)).toEqual(["a", "b"]);
  });

  test("retained - an agent type that is registered after its subscription gets them too, once", () => {
    using host = new InMemoryHost();
    host.join("sender").send(kept("1", "t/1", "a"));
    const late = host.join("late");
    late.subscribe(exact("t", "late"));
    expect(textsOf(late)).toEqual([]);
    late.register("late");
    expect(textsOf(late)).toEqual(["a"]);
  });

  test("retained - of a shared or standby type it goes to one worker only", () => {
    using host = new InMemoryHost();
    const sender = host.join("sender");
    for (let key = 0; key < 20; key += 1) {
      sender.send(kept(String(key), `t/${key}`, String(key)));
    }
    for (const policy of ["shared", "standby"] as const) {
      const workers = [1, 2].map((number) => {
        const worker = host.join(`${policy} ${number}`);
        worker.registerAs(policy, policy);
        return worker;
      });
      const counts = workers.map((worker) => {
        worker.subscribe(exact("t", policy));
        return worker.received().length;
      });
      // The second begins none of them: they live at the first, which has had their values.
      expect(counts).toEqual([20, 0]);
    }
  });

  test("retained - topics of the host's settings are kept, whatever their publishers say", () => {
    using host = new InMemoryHost({ retain: ["t", "u/1"] });
    const sender = host.join("sender");
    for (const topic of ["t/1", "t/2", "u/1", "u/2"]) {
      sender.send(kept(topic, topic, topic, {} as typeof RETAIN));
    }
    expect(textsOf(subscriber(host, "t", "one"))).toEqual(["t/1", "t/2"]);
    expect(textsOf(subscriber(host, "u", "two"))).toEqual(["u/1"]);
  });
});

describe("retained - what is let go", () => {
  test.each([
    ["empty payload", kept("2", "t/1", "")],
    ["clear", kept("2", "t/1", "bye", { retain: "clear" })],
  ])("retained - an event with %s clears its topic, and is delivered", (_, clearing) => {
    using host = new InMemoryHost();
    const [sender, present] = [host.join("sender"), subscriber(host, "t", "present")];
    sender.send(kept("1", "t/1", "a"));
    sender.send(kept("3", "t/2", "b"));
    sender.send(clearing);
    expect(present.received().map(({ id }) => id)).toEqual(["1", "3", "2"]);
    expect(textsOf(subscriber(host, "t"))).toEqual(["b"]);
  });

  test("retained - values with keys are kept and cleared apart", () => {
    const values = new RetainedValues(LIMITS, () => 0);
    const put = (retain: string, retainkey: string, text: string): unknown =>
      values.consider({ ...event("1", "t", { retain, retainkey }, text) }, OWNER, "w");
    put("true", "lamp", "on");
    put("true", "door", "shut");
    put("true", "lamp", "off");
    expect(valuesIn(values)).toEqual(["shut", "off"]);
    put("clear", "door", "");
    expect(valuesIn(values)).toEqual(["off"]);
  });

  test("retained - a value goes at its age, and is not given out even before it is swept", () => {
    let nowMs = 0;
    const values = new RetainedValues(LIMITS, () => nowMs);
    values.consider(event("1", "t", RETAIN, "a"), OWNER, "w");
    nowMs = 999;
    expect(valuesIn(values)).toEqual(["a"]);
    nowMs = 1_000;
    expect(valuesIn(values)).toEqual([]);
    values.sweep(() => true);
    expect([values.size, values.bytes]).toEqual([0, 0]);
  });

  test("retained - values of an owner that is away go after the grace, and stay when it comes back in time", () => {
    let nowMs = 0;
    const values = new RetainedValues(LIMITS, () => nowMs);
    values.consider(event("1", "t", RETAIN, "a"), OWNER, "w");
    values.consider(event("2", "u", RETAIN, "b"), { kind: "worker", name: "w" }, "w");
    const sweep = (...present: string[]): void =>
      values.sweep(({ name }) => present.includes(name));
    sweep("w");
    nowMs = 99;
    sweep("w", "x");
    nowMs = 150;
    sweep("w");
    nowMs = 249;
    sweep("w");
    expect(valuesIn(values)).toEqual(["a"]);
    nowMs = 250;
    sweep("w");
    expect([valuesIn(values), valuesIn(values, "u")]).toEqual([[], ["b"]]);
  });

  test("retained - a sender that its worker does not hold owns nothing", () => {
    using host = new InMemoryHost();
    const [sender, holder] = [host.join("sender"), host.join("holder")];
    holder.register("x");
    sender.register("mine");
    sender.send({ ...kept("1", "t/1", "claimed"), sender: new AgentId("x", "1") });
    sender.send({ ...kept("2", "t/2", "own"), sender: new AgentId("mine", "1") });
    const owners: string[] = [];
    host.retained.sweep(({ kind, name }) => owners.push(`${kind} ${name}`) > 0);
    expect(owners).toEqual(["worker sender", "agent-type mine"]);
  });

  test("retained - the oldest go when there are too many or too large ones, counted", () => {
    const values = new RetainedValues(LIMITS, () => 0);
    for (const topic of ["t/1", "t/2", "t/3", "t/1", "t/4"]) {
      values.consider(kept("1", topic, topic), OWNER, "w");
    }
    expect(valuesIn(values)).toEqual(["t/3", "t/1", "t/4"]);
    expect(values.dropped).toBe(1);
    values.consider(kept("1", "t/5", "x".repeat(9_000)), OWNER, "w");
    expect(valuesIn(values).at(-1)).toHaveLength(9_000);
    expect(values.bytes).toBeLessThanOrEqual(10_000);
    values.consider(kept("1", "t/6", "x".repeat(20_000)), OWNER, "w");
    expect(valuesIn(values).some((text) => text.length === 20_000)).toBe(false);
  });
});
