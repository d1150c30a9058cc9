import { afterEach, beforeEach, expect, test } from "bun:test";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { AgentrtError } from "../../src/core/errors.ts";
import { IncidentLog } from "../../src/host/incident-log.ts";

let lines: LogRecord[];
let now = 0;

beforeEach(async () => {
  lines = [];
  now = 1_000_000;
  await configure({
    sinks: { list: (record) => lines.push(record) },
    loggers: [
      { category: ["agentrt", "host"], sinks: ["list"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
});

afterEach(async () => await reset());

function log(): IncidentLog {
  return new IncidentLog(() => now);
}

const bad = (text: string): AgentrtError => new AgentrtError("BAD_FRAME", text);

test("incident log - keeps the newest hundred, newest first", () => {
  const incidents = log();
  for (let number = 0; number < 150; number += 1) {
    incidents.record(bad(String(number)), "peer");
  }
  expect(incidents.recent).toHaveLength(100);
  expect(incidents.recent[0]).toEqual({
    at: new Date(now).toISOString(),
    code: "BAD_FRAME",
    message: "149",
    where: "peer",
  });
  expect(incidents.recent.at(-1)?.message).toBe("50");
});

test("incident log - a flood of one kind gives few lines, and says how many were left out", () => {
  const incidents = log();
  for (let number = 0; number < 1_000; number += 1) {
    incidents.record(bad("again"), "peer");
  }
  expect(lines).toHaveLength(5);
  incidents.record(new AgentrtError("TOO_MANY", "another kind"), "");
  expect(lines).toHaveLength(6);
  now += 1_000;
  incidents.record(bad("later"), "peer");
  expect(lines.at(-1)?.properties).toEqual({
    message: "later",
    code: "BAD_FRAME",
    where: "peer",
    suppressedBefore: 995,
  });
  now += 1_000;
  incidents.record(bad("quiet again"), "peer");
  expect(lines.at(-1)?.properties).not.toHaveProperty("suppressedBefore");
});

test("incident log - a text that a peer made long is kept short", () => {
  const incidents = log();
  incidents.record(bad("x".repeat(4_000_000)), "peer");
  expect(incidents.recent[0]?.message.length).toBe(1_001);
  expect(String(lines[0]?.properties["message"]).length).toBe(1_001);
});
