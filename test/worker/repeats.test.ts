import { describe, expect, test } from "bun:test";
import { AgentId } from "../../src/core/agent-id.ts";
import type { EventEnvelope } from "../../src/core/envelope.ts";
import { Repeats } from "../../src/worker/repeats.ts";
import { event, exact } from "../host/in-memory-host.ts";

const [A, B] = [new AgentId("a", "k"), new AgentId("b", "k")];

const live = (id: string): EventEnvelope => event(id, "t", { retain: "true" }, "x");
const again = (id: string, agentType: string): EventEnvelope =>
  event(id, "t", { retain: "true", agentrtage: "5", agentrtfor: agentType }, "x");

describe("repeats - kept values", () => {
  test("one that an agent type has had is not new to it, however long ago it was", () => {
    const repeats = new Repeats(1, 100);
    expect(repeats.fresh(live("1"), [A, B])).toEqual([A, B]);
    expect(repeats.fresh(again("1", "a"), [A])).toEqual([]);
    expect(repeats.fresh(again("1", "b"), [B])).toEqual([]);
    expect(repeats.fresh(again("2", "a"), [A])).toEqual([A]);
    expect(repeats.fresh(again("2", "a"), [A])).toEqual([]);
    expect(repeats.fresh(again("2", "b"), [B])).toEqual([B]);
  });

  test("who subscribes anew gets it, others do not", () => {
    const repeats = new Repeats(60_000, 100);
    repeats.fresh(live("1"), [A, B]);
    repeats.subscribed(exact("t", "a"));
    repeats.subscribed(exact("other", "b"));
    expect(repeats.fresh(again("1", "a"), [A])).toEqual([A]);
    expect(repeats.fresh(again("1", "b"), [B])).toEqual([]);
  });

  test("one that nobody could take, or that was cleared meanwhile, is new again", () => {
    const repeats = new Repeats(60_000, 100);
    repeats.fresh(again("1", "a"), [A]);
    repeats.forget(again("1", "a"));
    expect(repeats.fresh(again("1", "a"), [A])).toEqual([A]);
    repeats.fresh(event("2", "t", { retain: "clear" }), [A]);
    expect(repeats.fresh(again("1", "a"), [A])).toEqual([A]);
  });

  test("they are bounded, and without a window everything is new", () => {
    const repeats = new Repeats(60_000, 2);
    for (const source of ["1", "2", "3"]) {
      repeats.fresh({ ...live(source), topic: event("", `t${source}`).topic }, [A]);
    }
    const first = { ...again("1", "a"), topic: event("", "t1").topic };
    expect(repeats.fresh(first, [A])).toEqual([A]);
    const all = new Repeats(0, 100);
    expect(all.fresh(live("1"), [A])).toEqual([A]);
    expect(all.fresh(live("1"), [A])).toEqual([A]);
    expect(all.fresh(again("1", "a"), [A])).toEqual([A]);
  });
});
