import { describe, expect, test } from "bun:test";
import { AgentrtError } from "../../src/core/errors.ts";
import { waitFor } from "../kit/wait.ts";
import { InMemoryHost, request, response, textOf } from "./in-memory-host.ts";
import { failures, idsOf } from "./router-outcomes.ts";

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

test("router - a frame that names a call but is no request ends that call", () => {
  using host = new InMemoryHost();
  const caller = host.join("1");
  host.router.refuse(caller.session, "7", new AgentrtError("INVALID_AGENT_ID", "no such type"));
  expect(failures(caller.received())).toEqual([
    ["7", "INVALID_AGENT_ID", "INVALID_ARGUMENT: no such type"],
  ]);
});
