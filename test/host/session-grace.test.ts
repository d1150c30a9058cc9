import { expect, test } from "bun:test";
import { PRESENCE_TOPIC } from "../../src/core/presence.ts";
import { decodeMessage } from "../../src/wire/autogen/codec.ts";
import { thrownBy } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import {
  event,
  exact,
  FakeStream,
  type FakeWorker,
  InMemoryHost,
  request,
  textOf,
} from "./in-memory-host.ts";

const GRACE = { sessionGraceMs: 60_000 };

function holder(host: InMemoryHost): FakeWorker {
  const worker = host.join("w");
  worker.register("a");
  worker.subscribe(exact("topic", "a", "s"));
  return worker;
}

test("session grace - without one a lost worker is forgotten at once", () => {
  using host = new InMemoryHost();
  holder(host).leave("lost");
  expect(host.registry.size).toBe(0);
});

test("session grace - one that leaves orderly is forgotten at once", () => {
  using host = new InMemoryHost(GRACE);
  holder(host).leave("left");
  expect(host.registry.size).toBe(0);
});

test("session grace - events wait for a lost worker, and reach its new stream in order", () => {
  using host = new InMemoryHost(GRACE);
  const [worker, sender] = [holder(host), host.join("sender")];
  worker.leave("lost");
  for (const id of ["e1", "e2", "e3"]) {
    sender.send(event(id, "topic"));
  }
  const back = new FakeStream();
  const session = host.sessions.obtain("w", "127.0.0.1:9");
  expect(session).toBe(worker.session);
  host.sessions.connected(session, back.asHostStream, "127.0.0.1:9");
  sender.send(event("e4", "topic"));
  expect(back.frames.map((bytes) => decodeMessage(bytes).id)).toEqual(["e1", "e2", "e3", "e4"]);
});

test("session grace - what it held it may register again, once, with the same or a fresh subscription id", () => {
  using host = new InMemoryHost(GRACE);
  const worker = holder(host);
  worker.subscribe(exact("other", "a", "s2"));
  worker.leave("lost");
  host.sessions.connected(worker.session, new FakeStream().asHostStream, "127.0.0.1:9");
  worker.register("a");
  worker.subscribe(exact("topic", "a", "s"), exact("other", "a", "fresh"));
  expect(Array.from(host.registry.subscriptions, ({ id }) => id)).toEqual(["s", "fresh"]);
  expect(thrownBy(() => worker.register("a")).code).toBe("AGENT_TYPE_TAKEN");
  expect(thrownBy(() => worker.subscribe(exact("topic", "a", "s"))).code).toBe(
    "SUBSCRIPTION_EXISTS",
  );
  expect(thrownBy(() => host.join("other").register("a")).code).toBe("AGENT_TYPE_TAKEN");
});

test("session grace - calls that a lost worker had end at once, new ones wait for it", () => {
  using host = new InMemoryHost(GRACE);
  const [worker, caller] = [holder(host), host.join("caller")];
  caller.send(request("1", "a", "before"));
  worker.leave("lost");
  expect(caller.received()).toMatchObject([
    { id: "1", headers: { "agentrt-code": "WORKER_GONE" } },
  ]);
  caller.send(request("2", "a", "meanwhile"));
  const back = new FakeStream();
  host.sessions.connected(worker.session, back.asHostStream, "127.0.0.1:9");
  expect(back.frames.map((bytes) => textOf(decodeMessage(bytes)))).toEqual(["meanwhile"]);
});

test("session grace - one that does not come back is forgotten, its events become dead letters, its will is published", async () => {
  using host = new InMemoryHost({ sessionGraceMs: 20 });
  const [worker, sender] = [holder(host), host.join("sender")];
  sender.register("listening");
  sender.subscribe(exact("wills", "listening"));
  worker.session.lastWill = event("will", "wills");
  worker.leave("lost");
  sender.send(event("e", "topic"));
  expect(sender.received()).toEqual([]);
  await waitFor(() => host.registry.size === 1, { what: "the lost worker to be forgotten" });
  expect(host.deadLetters.byReason).toEqual({ WORKER_GONE: 1 });
  expect(sender.received().map(({ id }) => id)).toEqual(["will"]);
});

test("session grace - presence tells the loss at once, and the return", () => {
  using host = new InMemoryHost(GRACE);
  const watching = host.join("watcher");
  watching.register("watching");
  watching.subscribe(exact(PRESENCE_TOPIC.type, "watching"));
  const worker = holder(host);
  watching.received();
  worker.leave("lost");
  host.sessions.connected(worker.session, new FakeStream().asHostStream, "127.0.0.1:9");
  const changes = watching.received().map((envelope) => {
    const { change, subject } = JSON.parse(textOf(envelope));
    return `${change} ${subject}`;
  });
  expect(changes).toEqual(["went agent_type", "went worker", "came worker", "came agent_type"]);
});
