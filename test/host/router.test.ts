import { describe, expect, test } from "bun:test";
import type { Envelope, ResponseEnvelope } from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { TypePrefixSubscription } from "../../src/core/subscription.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, InMemoryHost, request, response, textOf } from "./in-memory-host.ts";

const idsOf = (envelopes: readonly Envelope[]): string[] => envelopes.map(({ id }) => id);

/** The code of the error that a caller got, with the id of its call. */
function failures(envelopes: readonly Envelope[]): (string | undefined)[][] {
  return envelopes
    .filter((envelope): envelope is ResponseEnvelope => envelope.kind === "response")
    .map(({ id, headers, error }) => [id, headers["agentrt-code"], error]);
}

describe("router - events", () => {
  test("events - each worker gets one copy, however many of its subscriptions match", () => {
    using host = new InMemoryHost();
    const [first, second, third] = [host.join("1"), host.join("2"), host.join("3")];
    first.register("a", "b");
    second.register("c");
    third.register("d");
    first.subscribe(
      exact("topic", "a"),
      exact("topic", "b"),
      new TypePrefixSubscription("to", "a"),
    );
    second.subscribe(exact("topic", "c"));
    third.subscribe(exact("other", "d"));
    second.send(event("e1", "topic"));
    expect([first, second, third].map((worker) => idsOf(worker.received()))).toEqual([
      ["e1"],
      ["e1"],
      [],
    ]);
    expect(host.totals).toMatchObject({ eventsIn: 1, eventsDelivered: 2, eventsUnmatched: 0 });
  });

  test("events - the bytes go out as they came in", () => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.register("a");
    worker.subscribe(exact("topic", "a"));
    worker.send(event("e1", "topic", { traceparent: "00-1-2-01" }, "data"));
    const [received] = worker.received();
    expect(received).toMatchObject({ id: "e1", headers: { traceparent: "00-1-2-01" } });
    expect(received && textOf(received)).toBe("data");
  });

  test("events - a subscription counts for the holder of its agent type, whoever made it", () => {
    using host = new InMemoryHost();
    const [holder, other] = [host.join("1"), host.join("2")];
    holder.register("a");
    other.subscribe(exact("topic", "a"));
    other.send(event("e1", "topic"));
    expect(idsOf(holder.received())).toEqual(["e1"]);
    expect(idsOf(other.received())).toEqual([]);
  });

  test("events - one that nobody wants is counted, and one whose agent type nobody holds is kept", () => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.subscribe(exact("orphan", "a"));
    worker.send(event("e1", "nothing"));
    worker.send(event("e2", "orphan"));
    expect(host.totals).toMatchObject({ eventsIn: 2, eventsDelivered: 0, eventsUnmatched: 2 });
    expect(host.deadLetters.recent).toMatchObject([
      {
        reason: "NO_SUCH_AGENT",
        detail: 'Agent type "a" is subscribed, but no worker holds it.',
        messageId: "e2",
        destination: "orphan/source",
      },
    ]);
  });

  test("events - those of an urgent priority overtake the ones that wait", () => {
    using host = new InMemoryHost();
    const worker = host.join("1", 0);
    worker.register("a");
    worker.subscribe(exact("topic", "a"));
    for (const [id, priority] of [
      ["n1", "normal"],
      ["l1", "low"],
      ["h1", "high"],
      ["n2", "?"],
      ["h2", "high"],
    ] as const) {
      worker.send(event(id, "topic", { priority }));
    }
    worker.stream.drain();
    expect(idsOf(worker.received())).toEqual(["h1", "h2", "n1", "n2", "l1"]);
  });
});

describe("router - calls", () => {
  test("calls - two callers with the same ids get each its own answers", () => {
    using host = new InMemoryHost();
    const [callee, ...callers] = [host.join("callee"), host.join("1"), host.join("2")];
    callee.register("a");
    for (let number = 1; number <= 100; number += 1) {
      for (const [index, caller] of callers.entries()) {
        caller.send(request(String(number), "a", `${index} ${number}`));
      }
    }
    const asked = callee.received();
    expect(new Set(idsOf(asked)).size).toBe(200);
    expect(host.router.pendingCalls).toBe(200);
    for (const one of asked.toReversed()) {
      callee.send(response(one.id, textOf(one)));
    }
    for (const [index, caller] of callers.entries()) {
      const answers = caller.received();
      expect(answers).toHaveLength(100);
      expect(answers.every((answer) => textOf(answer) === `${index} ${answer.id}`)).toBe(true);
    }
    expect(host.router.pendingCalls).toBe(0);
    expect(host.totals).toMatchObject({ callsIn: 200, callsAnswered: 200, callsFailed: 0 });
  });

  test("calls - an agent of the caller's own worker can be called", () => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.register("a");
    worker.send(request("7", "a"));
    const [asked] = worker.received();
    worker.send(response(asked?.id ?? "", "done"));
    expect(worker.received().map((one) => [one.kind, one.id, textOf(one)])).toEqual([
      ["response", "7", "done"],
    ]);
  });

  test("calls - one of a type that nobody holds ends at once", () => {
    using host = new InMemoryHost();
    const caller = host.join("1");
    caller.send(request("7", "nobody"));
    expect(failures(caller.received())).toEqual([
      [
        "7",
        "NO_SUCH_AGENT",
        'UNAVAILABLE: No connected worker holds agent type "nobody". Start one that registers it.',
      ],
    ]);
    expect(host.totals).toMatchObject({ callsIn: 1, callsFailed: 1 });
  });

  test("calls - those of a worker that leaves end at once, and its own are forgotten", () => {
    using host = new InMemoryHost();
    const [callee, caller] = [host.join("callee"), host.join("caller")];
    callee.register("a");
    caller.register("b");
    caller.send(request("1", "a"));
    caller.send(request("2", "a"));
    callee.send(request("1", "b"));
    const [asked] = caller.received();
    callee.leave();
    expect(failures(caller.received())).toEqual([
      ["1", "WORKER_GONE", "UNAVAILABLE: The worker of a/key left before it answered."],
      ["2", "WORKER_GONE", "UNAVAILABLE: The worker of a/key left before it answered."],
    ]);
    expect(host.router.pendingCalls).toBe(0);
    caller.send(response(asked?.id ?? ""));
    expect(host.totals).toMatchObject({ strayResponses: 1, callsFailed: 2, callsAnswered: 0 });
    caller.send(request("3", "a"));
    expect(failures(caller.received())[0]?.[1]).toBe("NO_SUCH_AGENT");
  });

  test("calls - those that a worker that leaves made of itself are forgotten", () => {
    using host = new InMemoryHost();
    const worker = host.join("1");
    worker.register("a");
    worker.send(request("1", "a"));
    worker.leave();
    expect(host.router.pendingCalls).toBe(0);
    expect([host.totals.callsFailed, worker.session.messagesOut]).toEqual([0, 1]);
  });

  test("calls - those that were still queued for a worker that leaves end once", () => {
    using host = new InMemoryHost();
    const [callee, caller] = [host.join("callee", 0), host.join("caller")];
    callee.register("a");
    caller.send(request("1", "a"));
    callee.leave();
    expect(failures(caller.received()).map(([id, code]) => [id, code])).toEqual([
      ["1", "WORKER_GONE"],
    ]);
    expect(host.deadLetters.recent).toMatchObject([{ kind: "request", reason: "WORKER_GONE" }]);
  });

  test("calls - one past its time ends with DEADLINE, and a late answer is ignored and counted", async () => {
    using host = new InMemoryHost({ rpcTimeoutMs: 1 });
    const [callee, caller] = [host.join("callee"), host.join("caller")];
    callee.register("a");
    caller.send(request("7", "a"));
    const [asked] = callee.received();
    await waitFor(
      () => {
        host.router.expireCalls();
        return host.router.pendingCalls === 0;
      },
      { what: "the call's time to be over", intervalMs: 1 },
    );
    const late = "DEADLINE_EXCEEDED: a/key gave no answer within 1 ms.";
    expect(failures(caller.received())).toEqual([["7", "DEADLINE", late]]);
    callee.send(response(asked?.id ?? ""));
    expect(caller.received()).toEqual([]);
    expect(host.totals).toMatchObject({ callsTimedOut: 1, strayResponses: 1, callsFailed: 0 });
  });

  test("calls - the answer of a worker that was not asked is ignored and counted", () => {
    using host = new InMemoryHost();
    const [callee, caller, thief] = [host.join("callee"), host.join("1"), host.join("2")];
    callee.register("a");
    caller.send(request("7", "a"));
    const [asked] = callee.received();
    const id = asked?.id ?? "";
    thief.send(response(id, "stolen"));
    thief.send(response("no such call", "stolen"));
    caller.send(response(id, "stolen"));
    expect(caller.received()).toEqual([]);
    expect(host.totals.strayResponses).toBe(3);
    callee.send(response(id, "real"));
    callee.send(response(id, "again"));
    expect(caller.received().map(textOf)).toEqual(["real"]);
    expect(host.totals).toMatchObject({ strayResponses: 4, callsAnswered: 1 });
  });

  test("calls - more than the limit of waiting ones are refused", () => {
    using host = new InMemoryHost({ maxPendingCalls: 2 });
    const [callee, caller] = [host.join("callee"), host.join("caller")];
    callee.register("a");
    for (const id of ["1", "2", "3"]) {
      caller.send(request(id, "a"));
    }
    expect(failures(caller.received()).map(([id, code]) => [id, code])).toEqual([
      ["3", "TOO_MANY"],
    ]);
    expect(host.totals.limitsHit).toBe(1);
    expect(idsOf(callee.received())).toHaveLength(2);
  });

  test("calls - while the host drains new ones are refused, those in flight end", () => {
    using host = new InMemoryHost();
    const [callee, caller] = [host.join("callee"), host.join("caller")];
    callee.register("a");
    caller.send(request("1", "a"));
    host.router.drain();
    caller.send(request("2", "a"));
    const [asked] = callee.received();
    callee.send(response(asked?.id ?? "", "done"));
    const answers = caller.received();
    expect(failures(answers).map(([id, code]) => [id, code])).toEqual([
      ["2", "HOST_DRAINING"],
      ["1", undefined],
    ]);
  });
});

describe("router - slow workers", () => {
  test("slow worker - the oldest are shed and counted, and the others get all", () => {
    using host = new InMemoryHost({ outboxMaxMessages: 3 });
    const [slow, quick] = [host.join("slow", 0), host.join("quick")];
    slow.register("a");
    quick.register("b");
    quick.subscribe(exact("topic", "a"), exact("topic", "b"));
    for (let number = 1; number <= 10; number += 1) {
      quick.send(event(String(number), "topic"));
    }
    expect(idsOf(quick.received())).toHaveLength(10);
    expect([slow.session.shed, host.totals.shed, quick.session.shed]).toEqual([7, 7, 0]);
    expect(host.deadLetters.byReason).toEqual({ QUEUE_FULL: 7 });
    expect(host.deadLetters.recent[0]?.detail).toBe(
      "Worker slow does not read fast enough; its outbox is full.",
    );
    slow.stream.drain();
    expect(idsOf(slow.received())).toEqual(["8", "9", "10"]);
  });

  test("slow worker - its outbox is bounded in bytes too", () => {
    using host = new InMemoryHost({ outboxMaxBytes: 4_000 });
    const slow = host.join("slow", 0);
    slow.register("a");
    slow.subscribe(exact("topic", "a"));
    for (let number = 1; number <= 100; number += 1) {
      slow.send(event(String(number), "topic", {}, "x".repeat(1_000)));
      expect(slow.session.outbox.queuedBytes).toBeLessThanOrEqual(4_000);
    }
    expect(slow.session.outbox.queuedMessages + slow.session.shed).toBe(100);
  });

  test("slow worker - a call of it is refused while its outbox is full, and pushes nothing out", () => {
    using host = new InMemoryHost({ outboxMaxMessages: 2 });
    const [slow, caller] = [host.join("slow", 0), host.join("caller")];
    slow.register("a");
    for (const id of ["1", "2", "3"]) {
      caller.send(request(id, "a"));
    }
    expect(failures(caller.received())).toEqual([
      [
        "3",
        "QUEUE_FULL",
        'RESOURCE_EXHAUSTED: The worker that holds agent type "a" has a full outbox.',
      ],
    ]);
    expect([host.router.pendingCalls, host.totals.shed]).toEqual([2, 0]);
  });

  test("slow worker - the room for a call counts all its bytes, headers too", () => {
    using host = new InMemoryHost({ outboxMaxBytes: 4_000 });
    const [slow, caller] = [host.join("slow", 0), host.join("caller")];
    slow.register("a");
    caller.send(request("1", "a"));
    caller.send({ ...request("2", "a"), headers: { note: "x".repeat(3_600) } });
    expect(failures(caller.received()).map(([id, code]) => [id, code])).toEqual([
      ["2", "QUEUE_FULL"],
    ]);
    expect(host.totals.shed).toBe(0);
  });

  test("slow worker - events do not push out a call that waits; it ends when the worker leaves", () => {
    using host = new InMemoryHost({ outboxMaxMessages: 1 });
    const [slow, caller] = [host.join("slow", 0), host.join("caller")];
    slow.register("a");
    slow.subscribe(exact("topic", "a"));
    caller.send(request("1", "a"));
    caller.send(event("e", "topic", { priority: "high" }));
    expect(host.totals.shed).toBe(1);
    expect(host.router.pendingCalls).toBe(1);
    slow.leave();
    expect(failures(caller.received()).map(([id, code]) => [id, code])).toEqual([
      ["1", "WORKER_GONE"],
    ]);
    expect(host.router.pendingCalls).toBe(0);
  });

  test("slow worker - a caller that does not read its answers is cut off, and waits for none", () => {
    using host = new InMemoryHost({ outboxMaxMessages: 2 });
    const [deaf, callee] = [host.join("deaf", 0), host.join("callee")];
    callee.register("a");
    for (const id of ["1", "2", "3"]) {
      deaf.send(request(id, "a"));
    }
    for (const { id } of callee.received()) {
      callee.send(response(id, "done"));
    }
    expect(deaf.session.state).toBe("ended");
    expect(host.totals).toMatchObject({ workersExpelled: 1, shed: 1 });
    expect(host.deadLetters.byReason).toEqual({ QUEUE_FULL: 1, WORKER_GONE: 2 });
  });

  test("slow worker - one that fills its outbox with calls of itself does not outgrow the stack", () => {
    const count = 20_000;
    using host = new InMemoryHost({ outboxMaxMessages: count });
    const slow = host.join("slow", 0);
    slow.register("a");
    for (let number = 0; number < count; number += 1) {
      slow.send(request(String(number), "a"));
    }
    expect(slow.session.outbox.queuedMessages).toBe(count);
    slow.leave();
    expect(host.router.pendingCalls).toBe(0);
    expect(slow.session.outbox.queuedMessages).toBe(0);
  });

  test("slow worker - is cut off at the first overflow when the policy says so", () => {
    using host = new InMemoryHost({ outboxMaxMessages: 2, slowWorkerPolicy: "disconnect" });
    const [slow, caller] = [host.join("slow", 0), host.join("caller")];
    slow.register("a");
    slow.subscribe(exact("topic", "a"));
    caller.send(request("1", "a"));
    caller.send(event("e1", "topic"));
    caller.send(event("e2", "topic"));
    caller.send(event("e3", "topic"));
    expect(slow.session.state).toBe("ended");
    expect(slow.stream.status).toMatchObject({ details: "too slow", code: 8 });
    expect(failures(caller.received())).toHaveLength(1);
    expect([...host.registry.sessions].map(({ clientId }) => clientId)).toEqual(["caller"]);
    expect(host.totals).toMatchObject({ workersExpelled: 1, shed: 1, eventsUnmatched: 1 });
    expect(host.deadLetters.byReason).toEqual({ QUEUE_FULL: 1, WORKER_GONE: 2 });
  });

  test("slow worker - two that overflow at once are cut off, and the event reaches the rest", () => {
    using host = new InMemoryHost({ outboxMaxMessages: 1, slowWorkerPolicy: "disconnect" });
    const workers = [host.join("1", 0), host.join("2", 0), host.join("3")];
    for (const [index, worker] of workers.entries()) {
      worker.register(`a${index}`);
      worker.subscribe(exact("topic", `a${index}`));
    }
    const [first, , third] = workers;
    first?.send(request("1", "a1"));
    third?.send(event("e1", "topic"));
    third?.send(event("e2", "topic"));
    expect(idsOf(third?.received() ?? [])).toEqual(["e1", "e2"]);
    expect(host.totals.workersExpelled).toBe(2);
    expect(host.router.pendingCalls).toBe(0);
  });
});

test("router - a frame that names a call but is no request ends that call", () => {
  using host = new InMemoryHost();
  const caller = host.join("1");
  host.router.refuse(caller.session, "7", new AgentrtError("INVALID_AGENT_ID", "no such type"));
  expect(failures(caller.received())).toEqual([
    ["7", "INVALID_AGENT_ID", "INVALID_ARGUMENT: no such type"],
  ]);
});
