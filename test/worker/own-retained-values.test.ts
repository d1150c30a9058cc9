import { describe, expect, test } from "bun:test";
import type { EventEnvelope } from "../../src/core/envelope.ts";
import { OwnRetainedValues } from "../../src/worker/own-retained-values.ts";
import { event, request } from "../host/in-memory-host.ts";

const LIMITS = { retainMaxValues: 3, retainMaxBytes: 10_000 };

function kept(id: string, topicType: string, text = id): EventEnvelope {
  return event(id, topicType, { retain: "true" }, text);
}

function handedIn(values: OwnRetainedValues): string[] {
  return [...values.toHandIn()].map(({ id, headers }) => `${id} ${headers["agentrtage"]}`);
}

describe("own retained values", () => {
  test("the last of each topic and key is handed in, with its age; others are not remembered", () => {
    let nowMs = 1_000;
    const values = new OwnRetainedValues(LIMITS, () => nowMs);
    values.note(kept("1", "t"));
    values.note(event("2", "u"));
    values.note(request("3", "t"));
    nowMs = 1_500;
    values.note(kept("4", "t"));
    values.note({ ...kept("5", "t"), headers: { retain: "true", retainkey: "door" } });
    nowMs = 1_750;
    expect(handedIn(values)).toEqual(["4 250", "5 250"]);
    // What was handed in does not become young by that.
    for (const value of values.toHandIn()) {
      values.note(value);
    }
    nowMs = 2_000;
    expect(handedIn(values)).toEqual(["4 500", "5 500"]);
    // A clock that was set back makes nothing younger than now.
    nowMs = 0;
    expect(handedIn(values)).toEqual(["4 0", "5 0"]);
  });

  test("what was cleared, by its publisher or by another worker, is not", () => {
    const values = new OwnRetainedValues(LIMITS);
    for (const topic of ["t", "u", "v"]) {
      values.note(kept(topic, topic));
    }
    values.note(event("x", "t", { retain: "clear" }, "text"));
    values.note(kept("y", "u", ""));
    expect(values.isOutdatedBy(event("v", "v", { agentrtfor: "a" }))).toBe(false);
    expect(values.isOutdatedBy(event("before", "v", { agentrtfor: "" }))).toBe(true);
    expect(values.size).toBe(1);
    expect(values.isOutdatedBy(event("v", "v", { agentrtfor: "" }))).toBe(true);
    expect([values.size, values.bytes]).toEqual([0, 0]);
  });

  test("one that changes while they are handed in is left out", () => {
    const values = new OwnRetainedValues(LIMITS, () => 0);
    values.note(kept("1", "t"));
    values.note(kept("2", "u"));
    const ids: string[] = [];
    for (const { id } of values.toHandIn()) {
      ids.push(id);
      values.note(kept("3", "u"));
    }
    expect(ids).toEqual(["1"]);
    expect(handedIn(values)).toEqual(["1 0", "3 0"]);
  });

  test("the oldest go beyond the limits", () => {
    const values = new OwnRetainedValues(LIMITS, () => 0);
    for (const topic of ["t", "u", "v", "w"]) {
      values.note(kept(topic, topic));
    }
    expect(handedIn(values)).toEqual(["u 0", "v 0", "w 0"]);
    values.note(kept("large", "x", "x".repeat(9_500)));
    expect(handedIn(values)).toEqual(["large 0"]);
    values.note(kept("too large", "y", "x".repeat(20_000)));
    expect(handedIn(values)).toEqual(["large 0"]);
    const none = new OwnRetainedValues({ retainMaxValues: 0, retainMaxBytes: 10_000 });
    none.note(kept("1", "t"));
    expect([none.size, none.bytes]).toEqual([0, 0]);
  });
});
