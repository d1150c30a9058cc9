/** What comes into the log by itself: delayed and scheduled messages, for those with a cursor and those without. */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import {
  defineAgent,
  defineMessage,
  type GrpcWorkerAgentRuntime,
  type GrpcWorkerAgentRuntimeHost,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { waitFor } from "../../kit/wait.ts";
import { joinKnowing, startHost } from "../../worker/on-our-host.ts";

setDefaultTimeout(30_000);

const Item = defineMessage("Item", v.object({ number: v.number() }));
const ORDERS = new TopicId("orders", "a");
const join = joinKnowing(Item);

let folder: string;
let messageLog: MessageLog;
let host: GrpcWorkerAgentRuntimeHost;

beforeEach(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), "agentrt-late-"));
  messageLog = await openMessageLog(folder);
  host = await startHost({ messageLog, durable: ["orders"] });
});

afterEach(async () => {
  await host.stop({ drainTimeoutMs: 200 });
  await messageLog.close();
  await rm(folder, { recursive: true });
});

/** Numbers that an agent with a cursor gets, and those that a handler without one gets, in their order. */
async function receive(
  runtime: GrpcWorkerAgentRuntime,
): Promise<{ readonly kept: number[]; readonly passing: number[] }> {
  const kept: number[] = [];
  const passing: number[] = [];
  const agent = defineAgent({
    description: "collects",
    setup(self) {
      self.handleEvent(Item, ({ number }) => {
        kept.push(number);
      });
      return {};
    },
  });
  await runtime.registerFactory("collector", agent);
  await runtime.addSubscription(new TypeSubscription("orders", "collector"));
  await runtime.subscribe("orders", ({ content }) => {
    passing.push((content as { number: number }).number);
  });
  return { kept, passing };
}

test("late messages - a delayed one comes when it is due, once, to subscribers with and without a cursor", async () => {
  await using worker = await join(host);
  const { kept, passing } = await receive(worker);
  await using publisher = await join(host);
  await publisher.publishMessage(Item.of({ number: 2 }), ORDERS, { delayMs: 300 });
  await publisher.publishMessage(Item.of({ number: 1 }), ORDERS);
  await waitFor(() => kept.length === 2 && passing.length === 2, { what: "both messages" });
  expect([kept, passing]).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

test("late messages - a runtime sets, lists and removes schedules, whose messages come to all subscribers", async () => {
  await using worker = await join(host);
  const { kept, passing } = await receive(worker);
  const { schedules } = worker;
  const topic = ORDERS;
  const first = await schedules.set("tick", Item.of({ number: 7 }), topic, { everyMs: 1_000 });
  const yearly = { cron: "0 0 1 1 *", timeZone: "UTC", whenMissed: "skip" } as const;
  await schedules.set("yearly", Item.of({ number: 1 }), topic, yearly);
  expect(await schedules.list()).toMatchObject([
    { name: "tick", everyMs: 1_000, whenMissed: "once", topic, dataType: "Item" },
    { name: "yearly", ...yearly, topic, dataType: "Item" },
  ]);
  await waitFor(() => kept.length > 0 && passing.length > 0, { what: "the scheduled message" });
  expect(Date.now()).toBeGreaterThanOrEqual(first.getTime());
  expect([kept[0], passing[0]]).toEqual([7, 7]);
  expect(await schedules.remove("tick")).toBe(true);
  expect(await schedules.remove("tick")).toBe(false);
  const { schedulesFired = 0 } = host.report().durable ?? {};
  await waitFor(() => kept.length === schedulesFired && passing.length === schedulesFired, {
    what: "the last one of what was published",
  });
});

test("late messages - a schedule that cannot be is refused with its code", async () => {
  await using worker = await join(host);
  const { schedules } = worker;
  const message = Item.of({ number: 1 });
  const codeOf = async (...args: Parameters<typeof schedules.set>): Promise<string> =>
    (await rejectionOf(schedules.set(...args))).code;
  expect(await codeOf("a", message, ORDERS, {})).toBe("INVALID_OPTION");
  expect(await codeOf("a", message, ORDERS, { cron: "* * * * *", everyMs: 5_000 })).toBe(
    "INVALID_OPTION",
  );
  expect(await codeOf("a", message, ORDERS, { everyMs: 1.5 })).toBe("INVALID_OPTION");
  expect(await codeOf("a", {}, ORDERS, { everyMs: 5_000 })).toBe("UNTYPED_MESSAGE");
  expect(await codeOf("a", message, new TopicId("plain", "a"), { everyMs: 5_000 })).toBe(
    "NOT_DURABLE",
  );
});
