import { describe, expect, test } from "bun:test";
import type { EventEnvelope } from "../../src/core/envelope.ts";
import { RECEIVERS_HEADER } from "../../src/core/routing-headers.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import type { TypePolicy } from "../../src/core/type-policy.ts";
import { placeOf } from "../../src/host/placement.ts";
import { thrownBy } from "../kit/thrown.ts";
import { event, exact, type FakeWorker, InMemoryHost, request, textOf } from "./in-memory-host.ts";

function on(topicType: string, source: string, id: string): EventEnvelope {
  return { ...event(id, topicType), topic: new TopicId(topicType, source) };
}

/** Two workers that hold type `a` and subscribed it to `topic`, and one that sends. */
function hold(host: InMemoryHost, policy: TypePolicy, count = 2): FakeWorker[] {
  return Array.from({ length: count }, (_, index) => {
    const worker = host.join(`w${index}`);
    worker.registerAs(policy, "a");
    worker.subscribe(exact("topic", "a", `s${index}`));
    return worker;
  });
}

const idsOf = (worker: FakeWorker | undefined) => worker?.received().map(({ id }) => id);

describe("policies - registering", () => {
  test("policies - exclusive is the default; a second worker is refused in AutoGen's words", () => {
    using host = new InMemoryHost();
    const [first, second] = [host.join("first"), host.join("second")];
    first.register("a");
    for (const refused of [
      thrownBy(() => second.register("a")),
      thrownBy(() => second.registerAs("exclusive", "a")),
    ]) {
      expect(refused).toMatchObject({
        code: "AGENT_TYPE_TAKEN",
        message: "Agent type a already registered with client first.",
      });
    }
  });

  test("policies - another policy than the one it is held under is refused and says which", () => {
    using host = new InMemoryHost();
    const [first, second] = [host.join("first"), host.join("second")];
    first.registerAs("shared", "a");
    expect(thrownBy(() => second.registerAs("standby", "a"))).toMatchObject({
      code: "POLICY_CONFLICT",
      data: { agentType: "a", policy: "shared", clientId: "first" },
    });
    expect(thrownBy(() => second.register("a")).code).toBe("AGENT_TYPE_TAKEN");
    expect(thrownBy(() => first.registerAs("shared", "a")).code).toBe("AGENT_TYPE_TAKEN");
  });

  test("policies - the host's settings hold for workers that name none, and against those that name another", () => {
    using host = new InMemoryHost({ agentPolicies: { a: "shared" } });
    const [first, second] = [host.join("first"), host.join("second")];
    first.register("a");
    second.registerAs("shared", "a");
    expect(host.registry.holdersOf("a")?.policy).toBe("shared");
    expect(thrownBy(() => host.join("third").registerAs("standby", "a")).code).toBe(
      "POLICY_CONFLICT",
    );
    expect(
      thrownBy(() => host.enrolment.registerAgentType(first.session, "b", "sometimes")),
    ).toMatchObject({ code: "INVALID_OPTION" });
  });

  test("policies - workers of one type each make its subscriptions, and an event goes on when the first leaves", () => {
    using host = new InMemoryHost();
    const [first, second] = hold(host, "standby");
    expect(Array.from(host.registry.subscriptions, ({ id }) => id)).toEqual(["s0", "s1"]);
    expect(thrownBy(() => second?.subscribe(exact("topic", "a", "s3"))).code).toBe(
      "SUBSCRIPTION_EXISTS",
    );
    first?.leave();
    host.join("sender").send(event("e", "topic"));
    expect(idsOf(second)).toEqual(["e"]);
    host.registry.removeSubscription("s1");
    expect([...host.registry.subscriptions]).toEqual([]);
  });
});

describe("policies - standby", () => {
  test.each(["left", "lost"] as const)(
    "standby - the first gets everything, the second takes over when it is %s",
    (how) => {
      using host = new InMemoryHost();
      const [first, second] = hold(host, "standby");
      const sender = host.join("sender");
      sender.send(event("e1", "topic"));
      sender.send(request("1", "a", "call 1"));
      expect(first?.received().map(textOf)).toEqual(["", "call 1"]);
      expect(idsOf(second)).toEqual([]);
      first?.leave(how);
      sender.send(event("e2", "topic"));
      sender.send(request("2", "a", "call 2"));
      expect(second?.received().map(textOf)).toEqual(["", "call 2"]);
    },
  );

  test("standby - one that has not subscribed yet does not take over from one that has", () => {
    using host = new InMemoryHost();
    const [first, second] = hold(host, "standby");
    const early = host.join("w2");
    early.registerAs("standby", "a");
    first?.leave();
    host.join("sender").send(event("e", "topic"));
    expect(idsOf(second)).toEqual(["e"]);
    expect(idsOf(early)).toEqual([]);
  });
});

describe("policies - broadcast", () => {
  test("broadcast - each worker gets each event, a call goes to one, in turn", () => {
    using host = new InMemoryHost();
    const workers = hold(host, "broadcast", 3);
    const sender = host.join("sender");
    sender.send(event("e", "topic"));
    expect(workers.map(idsOf)).toEqual([["e"], ["e"], ["e"]]);
    for (const id of ["1", "2", "3"]) {
      sender.send(request(id, "a", id));
    }
    expect(workers.map((worker) => worker.received().length)).toEqual([1, 1, 1]);
  });
});

describe("policies - shared", () => {
  test("shared - each instance has one worker, for events and calls alike", () => {
    using host = new InMemoryHost();
    const workers = hold(host, "shared", 3);
    const sender = host.join("sender");
    for (let key = 0; key < 60; key += 1) {
      sender.send(on("topic", String(key), `e${key}`));
      sender.send({ ...request(`${key}`, "a"), target: { type: "a", key: `${key}` } as never });
    }
    for (const worker of workers) {
      const got = worker.received();
      const mine = Array.from({ length: 60 }, (_, key) => key).filter(
        (key) =>
          placeOf(
            workers.map(({ session }) => session),
            `a/${key}`,
          ) === worker.session,
      );
      expect(mine.length).toBeGreaterThan(5);
      expect(got.filter(({ kind }) => kind === "event").map(({ id }) => id)).toEqual(
        mine.map((key) => `e${key}`),
      );
      expect(got.filter(({ kind }) => kind === "request")).toHaveLength(mine.length);
    }
  });

  test("shared - a worker that is not subscribed yet gets no instances, and then its share", () => {
    using host = new InMemoryHost();
    const [first] = hold(host, "shared", 1);
    const second = host.join("w1");
    const sender = host.join("sender");
    const publish = (): void => {
      for (let key = 0; key < 30; key += 1) {
        sender.send(on("topic", String(key), `e${key}`));
      }
    };
    second.registerAs("shared", "a");
    publish();
    expect([first?.received().length, second.received().length]).toEqual([30, 0]);
    second.subscribe(exact("topic", "a"));
    publish();
    const [mine, others] = [first?.received().length ?? 0, second.received().length];
    expect(mine + others).toBe(30);
    expect(others).toBeGreaterThan(5);
  });

  test("shared - a worker that gets an event for another type is told that it is not for its shared one", () => {
    using host = new InMemoryHost();
    const workers = hold(host, "shared");
    const both = workers[0];
    both?.register("b");
    both?.subscribe(exact("topic", "b"));
    const sender = host.join("sender");
    for (let key = 0; key < 20; key += 1) {
      sender.send(on("topic", String(key), `e${key}`));
    }
    const sessions = workers.map(({ session }) => session);
    const got = both?.received() ?? [];
    expect(got).toHaveLength(20);
    for (const [key, envelope] of got.entries()) {
      const isOwner = placeOf(sessions, `a/${key}`) === both?.session;
      expect(envelope.headers[RECEIVERS_HEADER]).toBe(isOwner ? (undefined as never) : "b");
    }
    for (const envelope of workers[1]?.received() ?? []) {
      expect(envelope.headers[RECEIVERS_HEADER]).toBeUndefined();
    }
  });

  test("policies - a worker that cannot be told so makes a second instance, and it is said once", () => {
    using host = new InMemoryHost();
    const [stranger, ours] = hold(host, "shared");
    if (ours !== undefined) {
      ours.session.capabilities = new Set(["cancel"]);
    }
    for (const [index, worker] of [stranger, ours].entries()) {
      worker?.registerAs("broadcast", "b");
      worker?.subscribe(exact("topic", "b", `b${index}`));
    }
    for (let key = 0; key < 40; key += 1) {
      ours?.send(on("topic", `${key}`, `e${key}`));
    }
    expect(host.incidents.recent.map(({ code, where }) => [code, where])).toEqual([
      ["NOT_SUPPORTED", "w0"],
    ]);
  });
});
