import { expect, test } from "bun:test";
import { AgentrtError } from "../../src/core/errors.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, FakeStream, InMemoryHost, request } from "./in-memory-host.ts";

const ids = (host: InMemoryHost): string[] =>
  Array.from(host.registry.sessions, ({ clientId }) => clientId);

test("sessions - a worker that announced itself and opens no stream is forgotten after the grace", async () => {
  using host = new InMemoryHost({ registrationGraceMs: 100 });
  const session = host.sessions.obtain("quiet", "peer");
  host.registry.registerAgentType(session, "a");
  host.registry.addSubscription(session, exact("topic", "a"));
  const other = host.join("other");
  other.send(event("e1", "topic"));
  other.send(request("1", "a"));
  expect(session.outbox.queuedMessages).toBe(2);
  await waitFor(() => host.registry.session("quiet") === undefined, {
    what: "the end of the grace",
  });
  expect(session.state).toBe("ended");
  expect(host.registry.holdersOf("a")).toBeUndefined();
  expect(other.received()).toMatchObject([{ headers: { "agentrt-code": "WORKER_GONE" } }]);
  expect(host.deadLetters.byReason).toEqual({ WORKER_GONE: 2 });
  expect(host.incidents.recent).toMatchObject([
    {
      code: "WORKER_GONE",
      message: "Worker quiet registered but opened no stream within 100 ms.",
      where: "quiet",
    },
  ]);
});

test("sessions - a worker that opened its stream within the grace stays", async () => {
  using host = new InMemoryHost({ registrationGraceMs: 100 });
  host.join("prompt");
  host.sessions.obtain("quiet", "peer");
  await waitFor(() => ids(host).join() === "prompt", { what: "the end of the quiet one's grace" });
  expect(host.registry.session("prompt")?.state).toBe("connected");
});

test("sessions - what waited for an announced worker goes out when its stream opens", () => {
  using host = new InMemoryHost();
  const session = host.sessions.obtain("late", "peer");
  expect(host.sessions.obtain("late", "peer")).toBe(session);
  host.registry.registerAgentType(session, "a");
  host.registry.addSubscription(session, exact("topic", "a"));
  host.join("other").send(event("e1", "topic"));
  expect(
    host
      .join("late")
      .received()
      .map(({ id }) => id),
  ).toEqual(["e1"]);
});

test("sessions - a newer stream takes over: the old one ends, what was registered stays", () => {
  using host = new InMemoryHost();
  const worker = host.join("1");
  worker.register("a");
  worker.subscribe(exact("topic", "a"));
  const newer = new FakeStream();
  host.sessions.connected(worker.session, newer.asHostStream, "peer");
  expect(worker.stream.status).toMatchObject({
    code: 10,
    details: "A newer stream with the same client-id took this one's place.",
  });
  worker.leave();
  expect(ids(host)).toEqual(["1"]);
  worker.send(event("e1", "topic"));
  expect([newer.frames.length, worker.stream.frames.length]).toEqual([1, 0]);
  expect(host.totals).toMatchObject({ workersConnected: 2, workersReplaced: 1, workersLeft: 0 });
  host.sessions.left(worker.session, newer.asHostStream, "lost");
  host.sessions.left(worker.session, newer.asHostStream, "lost");
  expect(ids(host)).toEqual([]);
  expect(host.totals.workersLeft).toBe(1);
});

test("sessions - the end of a replaced stream's queue does not drain into the new one", () => {
  using host = new InMemoryHost();
  const worker = host.join("1", 0);
  worker.register("a");
  worker.subscribe(exact("topic", "a"));
  const newer = new FakeStream();
  newer.room = 1;
  worker.send(event("e1", "topic"));
  worker.send(event("e2", "topic"));
  host.sessions.connected(worker.session, newer.asHostStream, "peer");
  worker.stream.drain();
  expect([newer.frames.length, worker.session.outbox.queuedMessages]).toEqual([1, 1]);
});

test("sessions - a worker that is cut off sees why, once", () => {
  using host = new InMemoryHost();
  const worker = host.join("1");
  worker.openControl();
  const error = new AgentrtError("SLOW_WORKER", "too slow");
  host.sessions.expel(worker.session, error);
  host.sessions.expel(worker.session, error);
  for (const stream of [worker.stream, worker.control]) {
    expect(stream.status).toMatchObject({ code: 8, details: "too slow" });
  }
  expect(host.totals.workersExpelled).toBe(1);
  expect(ids(host)).toEqual([]);
});

test("sessions - only a worker that takes nothing while messages wait counts as stalled", async () => {
  using host = new InMemoryHost({ slowWorkerTimeoutMs: 100 });
  const [stalled, idle] = [host.join("stalled", 0), host.join("idle", 0)];
  stalled.register("a");
  stalled.subscribe(exact("topic", "a"));
  stalled.send(event("e1", "topic"));
  host.sessions.expelStalled();
  expect(ids(host)).toEqual(["stalled", "idle"]);
  await waitFor(
    () => {
      host.sessions.expelStalled();
      return stalled.session.state === "ended";
    },
    { what: "the stalled worker to be cut off" },
  );
  expect(stalled.stream.status?.details).toBe(
    "Worker stalled has read nothing for 100 ms while 1 messages wait for it.",
  );
  expect(ids(host)).toEqual(["idle"]);
  expect(idle.stream.status).toBeUndefined();
});

test("sessions - at the end all workers are told", () => {
  using host = new InMemoryHost();
  const workers = [host.join("1"), host.join("2")];
  host.sessions.dismissAll(new AgentrtError("HOST_DRAINING", "bye"));
  expect(workers.map(({ stream }) => stream.status?.details)).toEqual(["bye", "bye"]);
  expect(ids(host)).toEqual([]);
});
