import { describe, expect, test } from "bun:test";
import { event, exact, InMemoryHost, request, response } from "./in-memory-host.ts";
import { failures, idsOf } from "./router-outcomes.ts";

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
