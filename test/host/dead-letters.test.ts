import { expect, test } from "bun:test";
import type { DeadLetter } from "../../src/core/dead-letter.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import type { DeadLetterStore } from "../../src/core/state-store.ts";
import { DeadLetters } from "../../src/host/dead-letters.ts";
import { IncidentLog } from "../../src/host/incident-log.ts";
import { createMemoryStore } from "../../src/store/memory-store.ts";
import { waitFor } from "../kit/wait.ts";
import { event, request, response } from "./in-memory-host.ts";

function letters(store?: DeadLetterStore): { letters: DeadLetters; incidents: IncidentLog } {
  const incidents = new IncidentLog();
  return { letters: new DeadLetters(store, incidents), incidents };
}

test("dead letters - say what it was, where to, and why, and are counted by reason", () => {
  const { letters: dead } = letters();
  dead.add("QUEUE_FULL", "why", event("1", "topic", {}, "12345"));
  dead.add("NO_SUCH_AGENT", "why", request("2", "agent"));
  dead.add("QUEUE_FULL", "why", response("3"));
  expect(dead.recent.map(({ at, ...rest }) => rest)).toEqual([
    {
      ...{ reason: "QUEUE_FULL", detail: "why", messageId: "3", kind: "response" },
      ...{ destination: "", sender: "", dataType: "Text", bytes: 0 },
    },
    {
      ...{ reason: "NO_SUCH_AGENT", detail: "why", messageId: "2", kind: "request" },
      ...{ destination: "agent/key", sender: "", dataType: "Text", bytes: 0 },
    },
    {
      ...{ reason: "QUEUE_FULL", detail: "why", messageId: "1", kind: "event" },
      ...{ destination: "topic/source", sender: "", dataType: "Text", bytes: 5 },
    },
  ]);
  expect([dead.total, dead.byReason]).toEqual([3, { QUEUE_FULL: 2, NO_SUCH_AGENT: 1 }]);
});

test("dead letters - the newest 200 are kept, all are counted", () => {
  const { letters: dead } = letters();
  for (let number = 0; number < 1_000; number += 1) {
    dead.add("QUEUE_FULL", "why", event(String(number), "topic"));
  }
  expect([dead.total, dead.recent.length]).toEqual([1_000, 200]);
  expect([dead.recent[0]?.messageId, dead.recent.at(-1)?.messageId]).toEqual(["999", "800"]);
});

test("dead letters - texts that a peer made long are kept short", () => {
  const { letters: dead } = letters();
  const long = "x".repeat(1_000_000);
  const envelope = event(long, "topic");
  dead.add("QUEUE_FULL", long, { ...envelope, payload: { ...envelope.payload, dataType: long } });
  expect(JSON.stringify(dead.recent).length).toBeLessThan(3_000);
});

test("dead letters - go to the store by themselves, and those of earlier runs are shown", async () => {
  using store = createMemoryStore();
  const { letters: first } = letters(store);
  first.add("QUEUE_FULL", "why", event("1", "topic"));
  expect(store.listDeadLetters(9)).toEqual([]);
  await waitFor(() => store.listDeadLetters(9).length === 1, { what: "the letter in the store" });
  first.add("QUEUE_FULL", "why", event("2", "topic"));
  first.flush();
  const { letters: second } = letters(store);
  expect(second.recent.map(({ messageId }) => messageId)).toEqual(["2", "1"]);
  expect(second.total).toBe(0);
});

test("dead letters - a flood between two writes to the store is bounded, newest kept", () => {
  const batches: (readonly DeadLetter[])[] = [];
  const { letters: dead } = letters({
    addDeadLetters: (batch) => batches.push(batch),
    listDeadLetters: () => [],
  });
  for (let number = 0; number < 10_000; number += 1) {
    dead.add("QUEUE_FULL", "why", event(String(number), "topic"));
  }
  dead.flush();
  dead.flush();
  expect(batches).toHaveLength(1);
  expect(batches[0]?.length).toBeLessThanOrEqual(2_000);
  expect(batches[0]?.at(-1)?.messageId).toBe("9999");
});

test("dead letters - a store that fails is an incident and stops nothing", () => {
  const fail = (): never => {
    throw new AgentrtError("STORE_FULL", "no room");
  };
  const { letters: dead, incidents } = letters({ addDeadLetters: fail, listDeadLetters: fail });
  dead.add("QUEUE_FULL", "why", event("1", "topic"));
  dead.flush();
  expect(dead.recent).toHaveLength(1);
  expect(incidents.recent.map(({ code }) => code)).toEqual(["STORE_FULL", "STORE_FULL"]);
});
