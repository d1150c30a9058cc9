import { describe, expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import { EMPTY_PAYLOAD } from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { PendingCalls } from "../../src/worker/pending-calls.ts";
import { rejectionOf } from "../kit/thrown.ts";

const recipient = new AgentId("a", "b");
const gone = (): AgentrtError => new AgentrtError("NOT_CONNECTED", "gone");
const answerTo = (id: string) =>
  ({ kind: "response", id, error: "", headers: {}, payload: EMPTY_PAYLOAD }) as const;

describe("pending calls", () => {
  test("an answer ends its call once; a second one finds nobody", async () => {
    const calls = new PendingCalls();
    const call = calls.open(recipient, 1_000, undefined);
    expect(calls.settle(answerTo(call.id))).toBe(true);
    expect(calls.settle(answerTo(call.id))).toBe(false);
    expect(await call.answer).toEqual(answerTo(call.id));
    expect(calls.size).toBe(0);
  });

  test("a lost connection ends the calls that were sent, and no others", async () => {
    const calls = new PendingCalls();
    const sent = calls.open(recipient, 1_000, undefined);
    const waiting = calls.open(recipient, 1_000, undefined);
    calls.markSent(sent.id);
    calls.markSent("unknown");
    calls.failSent(gone);
    expect((await rejectionOf(sent.answer)).code).toBe("NOT_CONNECTED");
    expect(calls.settle(answerTo(waiting.id))).toBe(true);
    await waiting.answer;
  });

  test("a call may fail before anybody awaits its answer", async () => {
    const calls = new PendingCalls();
    const call = calls.open(recipient, 1_000, undefined);
    calls.fail(call, gone());
    await new Promise((resolve) => setImmediate(resolve));
    expect((await rejectionOf(call.answer)).code).toBe("NOT_CONNECTED");
  });

  test("ids are not those of another caller", () => {
    const ids = [new PendingCalls(), new PendingCalls()].map((calls) => {
      const { id } = calls.open(recipient, 1_000, undefined);
      calls.failAll(gone);
      return id;
    });
    expect(ids[0]).not.toBe(ids[1]);
  });
});
