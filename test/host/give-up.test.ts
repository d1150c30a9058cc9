import { expect, test } from "bun:test";
import type { Envelope, RequestEnvelope } from "../../src/core/envelope.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, FakeStream, InMemoryHost, request, response } from "./in-memory-host.ts";

const giveUp = (id: string, type: string): RequestEnvelope => ({
  ...request(id, type),
  headers: { "agentrt-cancel": id },
});

test("giving up - reaches a worker that understands it, under the id of its own hop", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  callee.session.capabilities = new Set(["cancel"]);
  callee.register("a");
  caller.send(request("7", "a"));
  caller.send(giveUp("7", "a"));
  const [asked, cancel] = callee.received();
  expect(cancel).toMatchObject({
    kind: "request",
    id: asked?.id,
    headers: { "agentrt-cancel": asked?.id },
  });
  expect(host.router.pendingCalls).toBe(0);
  callee.send(response(asked?.id ?? ""));
  expect(caller.received()).toEqual([]);
  expect(host.totals).toMatchObject({ callsIn: 1, callsGivenUp: 1, strayResponses: 1 });
});

test("giving up - is kept from a worker that does not understand it", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  callee.register("a");
  caller.send(request("7", "a"));
  caller.send(giveUp("7", "a"));
  expect(callee.received()).toHaveLength(1);
  expect(host.router.pendingCalls).toBe(0);
});

test("giving up - nobody ends the calls of others, and an unknown id is nothing", () => {
  using host = new InMemoryHost();
  const [callee, caller, thief] = [host.join("callee"), host.join("caller"), host.join("thief")];
  callee.session.capabilities = new Set(["cancel"]);
  callee.register("a");
  caller.send(request("7", "a"));
  thief.send(giveUp("7", "a"));
  caller.send(giveUp("8", "a"));
  const [asked, ...rest] = callee.received();
  expect(rest).toEqual([]);
  callee.send(response(asked?.id ?? "", "done"));
  expect(caller.received()).toMatchObject([{ kind: "response", id: "7", error: "" }]);
  expect([thief.received(), host.totals.callsGivenUp]).toEqual([[], 0]);
});

test("giving up - a second call with the same id of the caller is another call", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  callee.register("a");
  caller.send(request("7", "a"));
  const [first] = callee.received();
  callee.send(response(first?.id ?? ""));
  caller.send(giveUp("7", "a"));
  expect(host.totals).toMatchObject({ callsAnswered: 1, callsGivenUp: 0 });
});

test("giving up - a call that the host ends by its time limit reaches the handler's worker", async () => {
  using host = new InMemoryHost({ rpcTimeoutMs: 1 });
  const [callee, stranger, caller] = [
    host.join("callee"),
    host.join("foreign"),
    host.join("caller"),
  ];
  callee.session.capabilities = new Set(["cancel"]);
  callee.register("a");
  stranger.register("b");
  caller.send({ ...request("7", "a"), headers: { priority: "low" } });
  caller.send(request("8", "b"));
  const [asked] = callee.received();
  stranger.received();
  const answers: Envelope[] = [];
  await waitFor(
    () => {
      host.router.expireCalls();
      answers.push(...caller.received());
      return answers.length === 2;
    },
    { what: "both calls to end" },
  );
  expect(answers).toMatchObject([
    { id: "7", headers: { "agentrt-code": "DEADLINE" } },
    { id: "8", headers: { "agentrt-code": "DEADLINE" } },
  ]);
  expect(callee.received()).toMatchObject([
    { kind: "request", id: asked?.id, headers: { "agentrt-cancel": asked?.id } },
  ]);
  expect(stranger.received()).toEqual([]);
});

test.each(["left", "lost"] as const)(
  "giving up - the calls of a caller that has %s are given up, those of others go on",
  (how) => {
    using host = new InMemoryHost({ sessionGraceMs: 60_000 });
    const [callee, caller, other] = [host.join("callee"), host.join("caller"), host.join("other")];
    callee.session.capabilities = new Set(["cancel"]);
    callee.register("a");
    caller.send(request("1", "a"));
    other.send(request("1", "a"));
    const [first, second] = callee.received();
    caller.leave(how);
    expect(callee.received().map(({ headers }) => headers)).toEqual([
      { "agentrt-cancel": first?.id ?? "" },
    ]);
    callee.send(response(second?.id ?? "", "done"));
    expect(other.received()).toMatchObject([{ id: "1", error: "" }]);
  },
);

test("giving up - a newer stream of a worker of ours ends what it asked and was asked on the older", () => {
  using host = new InMemoryHost();
  const [callee, caller] = [host.join("callee"), host.join("caller")];
  for (const { session } of [callee, caller]) {
    session.capabilities = new Set(["cancel"]);
  }
  callee.register("a");
  caller.send(request("1", "a"));
  const [asked] = callee.received();
  host.sessions.connected(caller.session, new FakeStream().asHostStream, "peer");
  expect(callee.received()).toMatchObject([{ headers: { "agentrt-cancel": asked?.id } }]);
  const another = host.join("another");
  another.send(request("2", "a"));
  host.sessions.connected(callee.session, new FakeStream().asHostStream, "peer");
  expect(another.received()).toMatchObject([
    { id: "2", headers: { "agentrt-code": "WORKER_GONE" } },
  ]);
  expect(host.router.pendingCalls).toBe(0);
});

test("giving up - nothing is pushed out of a full queue for it, and it is no dead letter", () => {
  using host = new InMemoryHost({ outboxMaxMessages: 2 });
  const [roomy, full] = [host.join("roomy", 0), host.join("full", 0)];
  const caller = host.join("caller");
  for (const [callee, type] of [
    [roomy, "a"],
    [full, "b"],
  ] as const) {
    callee.session.capabilities = new Set(["cancel"]);
    callee.register(type);
  }
  full.subscribe(exact("topic", "b"));
  caller.send(request("1", "a"));
  caller.send(giveUp("1", "a"));
  caller.send(event("e1", "topic"));
  caller.send(request("2", "b"));
  caller.send(giveUp("2", "b"));
  const queued = [roomy, full].map(({ session }) => session.outbox.queuedMessages);
  expect([...queued, host.totals.shed]).toEqual([2, 2, 0]);
  roomy.leave();
  expect(host.deadLetters.recent.map(({ kind }) => kind)).toEqual(["request"]);
  full.leave();
  expect(host.deadLetters.recent.map(({ kind }) => kind)).toEqual(["request", "event", "request"]);
});
