import { expect, test } from "bun:test";
import { FullQueuePolicies } from "../../src/host/full-queue-policies.ts";
import { PendingCalls } from "../../src/host/pending-calls.ts";
import { Session } from "../../src/host/session.ts";
import { request } from "./in-memory-host.ts";

const LIMITS = { maxMessages: 1, maxBytes: 1 };

function session(clientId: string): Session {
  const made = new Session(
    clientId,
    "",
    { outbox: LIMITS, control: LIMITS, fullQueue: new FullQueuePolicies() },
    1_000,
    () => undefined,
  );
  made.end();
  return made;
}

const [caller, target, other] = [session("caller"), session("target"), session("other")];

test("pending calls - each has a host id of its own", () => {
  const calls = new PendingCalls(1_000);
  const ids = [1, 2, 3].map(() => calls.begin(request("1", "a"), caller, target).hostId);
  expect(new Set(ids).size).toBe(3);
  expect(calls.size).toBe(3);
});

test("pending calls - keep nothing of the data, which may be large", () => {
  const calls = new PendingCalls(1_000);
  const call = calls.begin(request("1", "a", "x".repeat(1_000_000)), caller, target);
  const { caller: _caller, target: _target, ...kept } = call;
  expect(JSON.stringify(kept).length).toBeLessThan(200);
});

test("pending calls - only the worker that was asked can take one, and once", () => {
  const calls = new PendingCalls(1_000);
  const call = calls.begin(request("7", "a"), caller, target);
  expect(calls.take(call.hostId, other)).toBeUndefined();
  expect(calls.take("7", target)).toBeUndefined();
  expect(calls.take(call.hostId, target)).toBe(call);
  expect(calls.take(call.hostId, target)).toBeUndefined();
  expect(calls.takeAllOf(caller)).toEqual([]);
});

test("pending calls - those of a worker are the ones it made and the ones it was asked", () => {
  const calls = new PendingCalls(1_000);
  const made = calls.begin(request("1", "a"), target, caller);
  const asked = calls.begin(request("1", "a"), caller, target);
  const own = calls.begin(request("2", "a"), target, target);
  const foreign = calls.begin(request("3", "a"), caller, other);
  expect(calls.takeAllOf(target)).toEqual([made, asked, own]);
  expect(calls.size).toBe(1);
  expect(calls.abandon(foreign.hostId)).toBe(foreign);
  expect(calls.abandon(foreign.hostId)).toBeUndefined();
  expect(calls.size).toBe(0);
});

test("pending calls - those whose time is up are taken out, oldest first", () => {
  let now = 0;
  const calls = new PendingCalls(100, () => now);
  const first = calls.begin(request("1", "a"), caller, target);
  now = 50;
  const second = calls.begin(request("2", "a"), caller, target);
  now = 99;
  expect(calls.takeExpired()).toEqual([]);
  now = 100;
  expect(calls.takeExpired()).toEqual([first]);
  now = 1_000;
  expect(calls.takeExpired()).toEqual([second]);
  expect(calls.takeAllOf(caller)).toEqual([]);
});
