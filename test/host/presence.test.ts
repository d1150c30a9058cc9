import { expect, test } from "bun:test";
import { AgentrtError } from "../../src/core/errors.ts";
import { PRESENCE_TOPIC, type WorkerPresence } from "../../src/core/presence.ts";
import {
  event,
  exact,
  FakeStream,
  type FakeWorker,
  InMemoryHost,
  textOf,
} from "./in-memory-host.ts";

function watcher(host: InMemoryHost): FakeWorker {
  const worker = host.join("watcher");
  worker.register("watching");
  worker.subscribe(exact("system", "watching"));
  worker.received();
  return worker;
}

/** `came worker w`, `went agent_type w a lost`. */
function heard(worker: FakeWorker): string[] {
  return worker.received().map((envelope) => {
    const presence = JSON.parse(textOf(envelope)) as WorkerPresence;
    const { change, subject, client_id, agent_type, reason } = presence;
    return [change, subject, client_id, agent_type, reason].filter((word) => word !== "").join(" ");
  });
}

test("presence - the topic prints as system/workers, and its data have flat fields only", () => {
  using host = new InMemoryHost();
  const watching = watcher(host);
  host.join("w");
  const [envelope] = watching.received();
  expect(String(PRESENCE_TOPIC)).toBe("system/workers");
  expect(envelope).toMatchObject({
    kind: "event",
    topic: { type: "system", source: "workers" },
    payload: { dataType: "WorkerPresence", contentType: "application/json" },
  });
  const { at, ...rest } = JSON.parse(envelope === undefined ? "{}" : textOf(envelope));
  expect(new Date(at).toISOString()).toBe(at);
  expect(rest).toEqual({
    ...{ subject: "worker", change: "came", client_id: "w", agent_type: "", reason: "" },
  });
});

test.each(["left", "lost"] as const)(
  "presence - workers and their agent types come, and go with the reason %s",
  (how) => {
    using host = new InMemoryHost();
    const watching = watcher(host);
    const worker = host.join("w");
    worker.register("a", "b");
    worker.leave(how);
    expect(heard(watching)).toEqual([
      "came worker w",
      "came agent_type w a",
      "came agent_type w b",
      `went agent_type w a ${how}`,
      `went agent_type w b ${how}`,
      `went worker w ${how}`,
    ]);
  },
);

test("presence - a replaced stream and an expelled worker are told as such", () => {
  using host = new InMemoryHost();
  const watching = watcher(host);
  const worker = host.join("w");
  host.sessions.connected(worker.session, new FakeStream().asHostStream, "127.0.0.1:3");
  host.sessions.expel(worker.session, new AgentrtError("SLOW_WORKER", "too slow"));
  expect(heard(watching)).toEqual([
    "came worker w",
    "went worker w replaced",
    "came worker w",
    "went worker w expelled",
  ]);
});

test("presence - a new subscriber is told who is there already", () => {
  using host = new InMemoryHost();
  host.join("w").register("a");
  host.join("gone").leave();
  const late = host.join("late");
  late.register("watching");
  late.subscribe(exact("system", "watching"));
  expect(heard(late)).toEqual([
    "came worker w",
    "came agent_type w a",
    "came worker late",
    "came agent_type late watching",
  ]);
});

test("presence - a worker cannot speak in the host's name", () => {
  using host = new InMemoryHost();
  const watching = watcher(host);
  const worker = host.join("w");
  watching.received();
  worker.send({ ...event("forged", "system"), topic: PRESENCE_TOPIC });
  expect(watching.received()).toEqual([]);
  expect(host.deadLetters.byReason).toEqual({ RESERVED_TOPIC: 1 });
});

test("presence - a last will is published when its worker is lost or expelled, not when it leaves", () => {
  using host = new InMemoryHost();
  const listener = host.join("listener");
  listener.register("listening");
  listener.subscribe(exact("wills", "listening"));
  const lost = ["left", "lost"] as const;
  for (const how of lost) {
    const worker = host.join(`w ${how}`);
    worker.session.lastWill = event(how, "wills");
    worker.leave(how);
  }
  const expelled = host.join("expelled");
  expelled.session.lastWill = event("expelled", "wills");
  host.sessions.expel(expelled.session, new AgentrtError("SLOW_WORKER", "too slow"));
  expect(listener.received().map(({ id }) => id)).toEqual(["lost", "expelled"]);
});
