import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentrtError } from "../../../src/core/errors.ts";
import type { ScheduledMessage } from "../../../src/core/scheduled-message.ts";
import { TopicId } from "../../../src/core/topic-id.ts";
import { type DurableCounts, newDurableCounts } from "../../../src/host/durable/durable-counts.ts";
import { DurableSchedules } from "../../../src/host/durable/durable-schedules.ts";
import { DurableTopics, durable } from "../../../src/host/durable/durable-topics.ts";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { eventIds } from "./stored-ids.ts";

const HOUR_MS = 3_600_000;
const BEGIN_MS = Date.UTC(2026, 0, 31, 8, 0, 30);
const ORDERS = new TopicId("orders", "shop");

let folder: string;
let log: MessageLog;
let topics: DurableTopics;
let counts: DurableCounts;
let schedules: DurableSchedules;
let fired: number[];
let nowMs: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-schedules-"));
  nowMs = BEGIN_MS;
  fired = [];
  await open();
  await topics.put(durable({ kind: "type", text: "orders" }));
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

/** As a host does that starts. */
async function open(over: (log: MessageLog) => MessageLog = (same) => same): Promise<void> {
  log = await openMessageLog(folder, { now: () => nowMs });
  topics = new DurableTopics(log);
  await topics.open();
  counts = newDurableCounts();
  schedules = new DurableSchedules({
    ...{ log: over(log), topics, counts },
    onFired: async (_, position) => void fired.push(position),
  });
  await schedules.open(nowMs);
}

async function reopen(): Promise<void> {
  await log.close();
  await open();
}

function hourly(part: Partial<ScheduledMessage> = {}): ScheduledMessage {
  return {
    name: "hourly",
    topic: ORDERS,
    recurrence: { kind: "cron", pattern: "0 * * * *", timeZone: "UTC" },
    whenMissed: "once",
    payload: { dataType: "Order", contentType: "application/json", data: Buffer.from("{}") },
    headers: {},
    ...part,
  };
}

function at(hours: number, minutes = 0): number {
  return Date.UTC(2026, 0, 31, hours, minutes);
}

async function passTo(timeMs: number): Promise<void> {
  nowMs = timeMs;
  await schedules.fireDue(timeMs);
}

test("schedules - each time is published once, under an id that names schedule and time", async () => {
  expect(await schedules.put(hourly(), nowMs)).toBe(at(9));
  await passTo(at(8, 59));
  expect(schedules.nextAtMs).toBe(at(9));
  await passTo(at(9));
  await passTo(at(9));
  await passTo(at(10, 1));
  expect(await eventIds(log)).toEqual([`schedule:1/${at(9)}`, `schedule:1/${at(10)}`]);
  expect(fired).toEqual([1, 2]);
  expect(counts).toMatchObject({ schedulesFired: 2, schedulesSkipped: 0 });
  expect(schedules.nextAtMs).toBe(at(11));
});

test("schedules - an interval counts from when it was set, and does not drift", async () => {
  const everyMs = HOUR_MS;
  expect(await schedules.put(hourly({ recurrence: { kind: "every", everyMs } }), nowMs)).toBe(
    BEGIN_MS + HOUR_MS,
  );
  await passTo(BEGIN_MS + HOUR_MS + 50_000);
  expect(schedules.nextAtMs).toBe(BEGIN_MS + 2 * HOUR_MS);
});

test("schedules - times that pass while no host runs are published once, all together", async () => {
  await schedules.put(hourly(), nowMs);
  nowMs = at(12, 30);
  await reopen();
  await passTo(nowMs);
  await passTo(nowMs);
  expect(await eventIds(log)).toEqual([`schedule:1/${at(9)}`]);
  expect(schedules.nextAtMs).toBe(at(13));
});

test("schedules - with skip, what was missed is over, and what is late is not", async () => {
  await schedules.put(hourly({ whenMissed: "skip" }), nowMs);
  nowMs = at(12, 30);
  await reopen();
  await passTo(nowMs);
  expect(await eventIds(log)).toEqual([]);
  expect(counts).toMatchObject({ schedulesFired: 0, schedulesSkipped: 1 });
  // The host was there and busy.
  await passTo(at(13, 20));
  expect(await eventIds(log)).toEqual([`schedule:1/${at(13)}`]);
});

test("schedules - one of a topic that is not durable any more is passed over", async () => {
  await schedules.put(hourly(), nowMs);
  await topics.remove({ kind: "type", text: "orders" });
  await passTo(at(9));
  expect(await eventIds(log)).toEqual([]);
  expect(counts.schedulesSkipped).toBe(1);
  await topics.put(durable({ kind: "type", text: "orders" }));
  await passTo(at(10));
  expect(await eventIds(log)).toEqual([`schedule:1/${at(10)}`]);
});

test("schedules - what cannot be stored is tried again after a second, and keeps no other from it", async () => {
  await log.close();
  let isFull = true;
  await open((inner) =>
    Object.assign(Object.create(inner) as MessageLog, {
      listSchedules: () => inner.listSchedules(),
      putSchedule: (one: Parameters<MessageLog["putSchedule"]>[0]) => inner.putSchedule(one),
      fireSchedule: (...args: Parameters<MessageLog["fireSchedule"]>) =>
        isFull && args[0] === "hourly"
          ? Promise.reject(new AgentrtError("STORE_FULL", "no room"))
          : inner.fireSchedule(...args),
    }),
  );
  await schedules.put(hourly(), nowMs);
  await schedules.put(hourly({ name: "other" }), nowMs);
  await passTo(at(9));
  expect(await eventIds(log)).toEqual([`schedule:2/${at(9)}`]);
  expect(schedules.nextAtMs).toBe(at(9) + 1_000);
  isFull = false;
  await passTo(at(9) + 999);
  expect(fired).toHaveLength(1);
  await passTo(at(9) + 1_000);
  expect(await eventIds(log)).toEqual([`schedule:2/${at(9)}`, `schedule:1/${at(9)}`]);
});

test("schedules - one that another has replaced or removed in the log is looked up again", async () => {
  await schedules.put(hourly(), nowMs);
  await log.removeSchedule("hourly");
  await passTo(at(9));
  expect(fired).toEqual([]);
  expect(schedules.list()).toEqual([]);
  expect(schedules.nextAtMs).toBe(Number.POSITIVE_INFINITY);
});

test.each<readonly [string, Partial<ScheduledMessage>]>([
  ["NOT_DURABLE", { topic: new TopicId("plain", "shop") }],
  ["RESERVED_TOPIC", { topic: new TopicId("system", "workers") }],
  ["INVALID_OPTION", { name: "" }],
  ["INVALID_OPTION", { name: "two words" }],
  ["INVALID_OPTION", { recurrence: { kind: "every", everyMs: 999 } }],
  ["INVALID_OPTION", { recurrence: { kind: "every", everyMs: Number.NaN } }],
  ["INVALID_OPTION", { recurrence: { kind: "cron", pattern: "soon", timeZone: undefined } }],
  [
    "INVALID_OPTION",
    { recurrence: { kind: "cron", pattern: "0 0 0 1 1 * 1999", timeZone: "UTC" } },
  ],
  ["INVALID_OPTION", { recurrence: { kind: "cron", pattern: "* * * * *", timeZone: "Mars" } }],
  ["INVALID_OPTION", { headers: { retain: "true" } }],
  ["INVALID_OPTION", { headers: { deliverat: "1" } }],
])("schedules - %s for %j", async (code, wrong) => {
  expect((await rejectionOf(schedules.put(hourly(wrong), nowMs))).code).toBe(code as never);
  expect(await log.listSchedules()).toEqual([]);
});
