import { describe, expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { EventEnvelope } from "../../src/core/envelope.ts";
import { TypePrefixSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { event, exact, type FakeWorker, InMemoryHost, textOf } from "./in-memory-host.ts";

const DAY_MS = 86_400_000;

function kept(id: string, text: string, topic = "t/1"): EventEnvelope {
  const topicId = TopicId.parse(topic);
  return { ...event(id, topicId.type, { retain: "true" }, text), topic: topicId };
}

function aged(id: string, text: string, ageMs: number | string, topic = "t/1"): EventEnvelope {
  const value = kept(id, text, topic);
  return { ...value, headers: { ...value.headers, agentrtage: String(ageMs) } };
}

/** A worker of ours. */
function ours(host: InMemoryHost, name: string): FakeWorker {
  const worker = host.join(name);
  worker.session.capabilities = new Set(["hand-in"]);
  return worker;
}

function subscriber(host: InMemoryHost, name: string): FakeWorker {
  const worker = ours(host, name);
  worker.register(name);
  worker.subscribe(exact("t", name), new TypePrefixSubscription("t", name));
  return worker;
}

function got(worker: FakeWorker): string[] {
  return worker
    .received()
    .map(
      (one) =>
        `${textOf(one)} ${one.headers["agentrtage"] ?? "fresh"} ${one.headers["agentrtfor"] ?? ""}`,
    );
}

describe("handed-in values - at the host", () => {
  test("a value that the host does not have goes to those subscribed, once each and with its age, and to those who come", () => {
    using host = new InMemoryHost();
    host.nowMs = DAY_MS;
    const [owner, early] = [ours(host, "owner"), subscriber(host, "early")];
    owner.send(aged("1", "on", 5_000));
    expect(got(early)).toEqual(["on 5000 early"]);
    host.nowMs += 1_000;
    const late = host.join("late");
    late.register("late");
    late.subscribe(exact("t", "late"));
    expect(got(late)).toEqual(["on 6000 late"]);
    expect(host.totals).toMatchObject({ eventsIn: 0, retainedHandedIn: 1, eventsReplayed: 2 });
    expect(owner.received()).toEqual([]);
  });

  test("one that it has, one older than what it has, and one beyond the age limit change nothing", () => {
    using host = new InMemoryHost({ retainMaxAgeMs: 10_000 });
    host.nowMs = DAY_MS;
    const [owner, other] = [ours(host, "owner"), ours(host, "other")];
    owner.send(kept("1", "first"));
    other.send(kept("2", "second"));
    host.nowMs += 100;
    const present = subscriber(host, "present");
    got(present);
    other.send(aged("2", "second", 100));
    other.send(aged("2", "second", 50));
    owner.send(aged("1", "first", 100));
    owner.send(aged("1", "first", 5_000));
    owner.send(aged("3", "old", 10_000, "t/2"));
    owner.send({
      ...aged("4", "", 1),
      payload: { ...event("", "t").payload, data: Buffer.alloc(0) },
    });
    expect(got(present)).toEqual([]);
    expect([host.totals.retainedHandedIn, host.retained.size]).toEqual([0, 1]);
    owner.send(aged("5", "newer", 50));
    expect(got(present)).toEqual(["newer 50 present"]);
  });

  test("the age of a peer that knows nothing of it, and one that is no age, are those of an event", () => {
    using host = new InMemoryHost();
    const [stranger, owner] = [host.join("stranger"), ours(host, "owner")];
    const present = subscriber(host, "present");
    stranger.send(aged("1", "passed on", 7));
    owner.send(aged("2", "odd", "-1"));
    expect(present.received().map(textOf)).toEqual(["passed on", "odd"]);
    expect(host.totals).toMatchObject({ eventsIn: 2, retainedHandedIn: 0 });
  });

  test("they belong to their agent type again, and go with it", () => {
    using host = new InMemoryHost({ retainOwnerGraceMs: 100 });
    const owner = ours(host, "owner");
    owner.register("lamp");
    owner.send({ ...aged("1", "on", 5), sender: new AgentId("lamp", "hall") });
    const owners: string[] = [];
    host.retained.sweep(({ kind, name }) => owners.push(`${kind} ${name}`) > 0);
    expect(owners).toEqual(["agent-type lamp"]);
    host.retained.sweep(() => false);
    host.nowMs = 100;
    host.retained.sweep(() => false);
    expect(host.retained.size).toBe(0);
  });

  test("when there are too many the oldest by age go, whatever the order in which they come", () => {
    using host = new InMemoryHost({ retainMaxValues: 2 });
    host.nowMs = DAY_MS;
    const owner = ours(host, "owner");
    owner.send(aged("1", "young", 1, "t/1"));
    owner.send(aged("2", "old", 9_000, "t/2"));
    owner.send(aged("3", "middle", 500, "t/3"));
    const late = subscriber(host, "late");
    expect(new Set(got(late).map((text) => text.split(" ")[0]))).toEqual(
      new Set(["middle", "young"]),
    );
    expect(host.retained.dropped).toBe(1);
  });

  test("a worker of ours is told when another one publishes or clears in its place; others are not", () => {
    using host = new InMemoryHost();
    const [owner, other, stranger] = [ours(host, "a"), ours(host, "b"), host.join("c")];
    owner.send(kept("1", "mine"));
    owner.send(kept("2", "mine still"));
    expect(owner.received()).toEqual([]);
    other.send(kept("3", "theirs"));
    expect(owner.received()).toMatchObject([
      { id: "2", headers: { agentrtfor: "", retain: "clear" } },
    ]);
    stranger.send(event("4", "t", { retain: "clear" }));
    expect(host.retained.size).toBe(1);
    stranger.send({ ...event("5", "t", { retain: "clear" }), topic: new TopicId("t", "1") });
    expect(other.received()).toMatchObject([{ id: "3" }]);
    stranger.send(kept("6", "strange"));
    owner.send(kept("7", "mine again"));
    expect([owner.received(), stranger.received()]).toEqual([[], []]);
  });
});
