/** How a shared instance moves: what the workers see of it, and what happens when one of them fails meanwhile. */
import { expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { Envelope, EventEnvelope } from "../../src/core/envelope.ts";
import { HAND_OVER } from "../../src/core/hand-over.ts";
import { PRESENCE_TOPIC } from "../../src/core/presence.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { event, exact, type FakeWorker, InMemoryHost, response, textOf } from "./in-memory-host.ts";

function join(host: InMemoryHost, name: string, room?: number): FakeWorker {
  const worker = host.join(name, room);
  worker.registerAs("shared", "a");
  worker.session.canHandOver = true;
  worker.subscribe(exact("topic", "a", name));
  return worker;
}

function on(key: string, id: string): EventEnvelope {
  return { ...event(id, "topic"), topic: new TopicId("topic", key) };
}

/** What came, with the methods of requests. */
function seen(worker: FakeWorker): string[] {
  return worker
    .received()
    .map((envelope) =>
      envelope.kind === "request" ? `${envelope.method} ${textOf(envelope)}`.trim() : envelope.id,
    );
}

/** Two workers, and a key that belongs to the first alone and to the second when both are there. */
function stage(host: InMemoryHost) {
  const sender = host.join("sender");
  const old = join(host, "old");
  for (let number = 0; number < 20; number += 1) {
    sender.send(on(String(number), `${number}`));
  }
  old.received();
  const fresh = join(host, "new");
  const holders = host.registry.holdersOf("a");
  const moving = Array.from({ length: 20 }, (_, key) => String(key)).filter(
    (key) => holders?.ownerOf(key) === fresh.session,
  );
  expect(moving.length).toBeGreaterThan(2);
  return { sender, old, fresh, moving, key: moving[0] ?? "" };
}

test("placements - the old worker is asked, the new one loads, and then gets what came meanwhile, in order", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh, key } = stage(host);
  sender.send(on(key, "e1"));
  sender.send(on(key, "e2"));
  expect([seen(old), seen(fresh)]).toEqual([[HAND_OVER.takeOut], []]);
  old.send(response("move-1", "[1]"));
  sender.send(on(key, "e3"));
  expect(seen(fresh)).toEqual([`${HAND_OVER.putIn} [1]`]);
  // Only the worker that was asked can answer.
  old.send(response("move-2", ""));
  expect(seen(fresh)).toEqual([]);
  fresh.send(response("move-2", ""));
  sender.send(on(key, "e4"));
  expect([seen(old), seen(fresh)]).toEqual([[], ["e1", "e2", "e3", "e4"]]);
  expect(host.totals).toMatchObject({ instancesMoved: 1, instancesMovedWithoutState: 0 });
});

test("placements - the old worker is asked only after everything that was queued for it", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh, key } = stage(host);
  old.stream.room = 1;
  const stays = Array.from({ length: 20 }, (_, index) => String(index)).filter(
    (one) => host.registry.holdersOf("a")?.ownerOf(one) === old.session,
  );
  for (const one of stays) {
    sender.send(on(one, `stays ${one}`));
  }
  sender.send(on(key, "moves"));
  old.stream.drain();
  expect(seen(old)).toEqual([...stays.map((one) => `stays ${one}`), HAND_OVER.takeOut]);
  expect(seen(fresh)).toEqual([]);
});

test("placements - an old worker that dies while it is asked loses the state, not the messages", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh, key, moving } = stage(host);
  sender.send(on(key, "e1"));
  old.leave("lost");
  sender.send(on(key, "e2"));
  expect(seen(fresh)).toEqual(["e1", "e2"]);
  expect(host.totals.instancesMovedWithoutState).toBeGreaterThanOrEqual(moving.length);
});

test("placements - a new worker that dies while it loads leaves the state to the next", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh, key } = stage(host);
  sender.send(on(key, "e1"));
  seen(old);
  old.send(response("move-1", "[1]"));
  fresh.leave("lost");
  expect(seen(old)).toEqual([`${HAND_OVER.putIn} [1]`]);
  old.send(response("move-3", ""));
  expect(seen(old)).toEqual(["e1"]);
});

test("placements - a worker that gives up one type keeps the others, and its instances move with their states", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh } = stage(host);
  old.register("other");
  old.subscribe(exact("topic", "other", "o"));
  const bye: Envelope = {
    ...{ kind: "request", id: "bye", sender: undefined, method: HAND_OVER.leaveType, headers: {} },
    target: new AgentId("agentrt.host", "a"),
    payload: event("", "t").payload,
  };
  old.send(bye);
  const asked = old.received();
  expect(asked).toHaveLength(20);
  // Until the last one has moved it is still asked for their states.
  expect(old.session.agentTypes).toContain("a");
  for (const { id } of asked) {
    old.send(response(id, ""));
  }
  expect(old.received()).toMatchObject([{ kind: "response", id: "bye", error: "" }]);
  expect([...old.session.agentTypes]).toEqual(["other"]);
  expect([...old.session.subscriptionIds]).toEqual(["o"]);
  sender.send(on("1", "after"));
  expect([seen(fresh).at(-1), seen(old)]).toEqual(["after", ["after"]]);
  // Again, or for a type that it never had, changes nothing.
  old.send(bye);
  expect(old.received()).toMatchObject([{ kind: "response", id: "bye", error: "" }]);
});

test("placements - a type that its only worker gives up is free, and told to be gone", () => {
  using host = new InMemoryHost();
  const watcher = host.join("watcher");
  watcher.register("presence");
  watcher.subscribe(exact(PRESENCE_TOPIC.type, "presence"));
  const old = join(host, "old");
  const sender = host.join("sender");
  sender.send(on("1", "before"));
  watcher.received();
  old.received();
  old.send({
    ...{ kind: "request", id: "bye", sender: undefined, method: HAND_OVER.leaveType, headers: {} },
    target: new AgentId("agentrt.host", "a"),
    payload: event("", "t").payload,
  });
  expect(old.received()).toMatchObject([{ kind: "response", id: "bye", error: "" }]);
  expect(watcher.received().map((envelope) => JSON.parse(textOf(envelope)))).toEqual([
    {
      ...{ subject: "agent_type", change: "went", client_id: "old", agent_type: "a" },
      ...{ reason: "left", at: expect.any(String) },
    },
  ]);
  const next = host.join("next");
  next.register("a");
  next.subscribe(exact("topic", "a"));
  sender.send(on("1", "after"));
  expect([seen(next), seen(old)]).toEqual([["after"], []]);
});

test("placements - a worker that takes its leave is answered when its instances have moved", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh } = stage(host);
  old.send({
    ...{ kind: "request", id: "bye", sender: undefined, method: HAND_OVER.leave, headers: {} },
    target: { type: "agentrt.host", key: "leave" } as never,
    payload: event("", "t").payload,
  });
  const asked = old.received();
  expect(asked).toHaveLength(20);
  for (const request of asked) {
    old.send(response(request.id, ""));
  }
  expect(old.received()).toMatchObject([{ kind: "response", id: "bye", error: "" }]);
  for (let number = 0; number < 20; number += 1) {
    sender.send(on(String(number), `after ${number}`));
  }
  expect(seen(fresh)).toHaveLength(20);
  expect(seen(old)).toEqual([]);
});

test("placements - a worker that takes its leave while it loads hands the instance on, with what waits for it", () => {
  using host = new InMemoryHost();
  const { sender, old, fresh, key } = stage(host);
  sender.send(on(key, "e1"));
  seen(old);
  old.send(response("move-1", "[1]"));
  expect(seen(fresh)).toEqual([`${HAND_OVER.putIn} [1]`]);
  fresh.send({
    ...{ kind: "request", id: "bye", sender: undefined, method: HAND_OVER.leave, headers: {} },
    target: { type: "agentrt.host", key: "leave" } as never,
    payload: event("", "t").payload,
  });
  expect(seen(fresh)).toEqual([]);
  fresh.send(response("move-2", ""));
  expect(seen(fresh)).toEqual([HAND_OVER.takeOut]);
  fresh.send(response("move-3", "[1]"));
  expect(seen(old)).toEqual([`${HAND_OVER.putIn} [1]`]);
  expect(seen(fresh)).toEqual([]);
  old.send(response("move-4", ""));
  expect(seen(fresh)).toEqual(["bye"]);
  expect(seen(old)).toEqual(["e1"]);
  expect(host.totals).toMatchObject({ instancesMoved: 2, instancesMovedWithoutState: 0 });
});
