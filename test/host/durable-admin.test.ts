import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { AgentId } from "../../src/core/agent-id.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { newDurableCounts } from "../../src/host/durable/durable-counts.ts";
import { DurableSchedules } from "../../src/host/durable/durable-schedules.ts";
import { DurableTopics } from "../../src/host/durable/durable-topics.ts";
import { createDurableAdmin } from "../../src/host/durable-admin.ts";
import type { DurableAdminParts } from "../../src/host/durable-admin-parts.ts";
import type { LogBatch, MessageLog } from "../../src/store/log/message-log.ts";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { DurableAdminClient } from "../../src/wire/durable-admin/client.ts";
import type { DurableCall, DurableRequestInit } from "../../src/wire/durable-admin/codec.ts";
import { decodeScheduleFacts } from "../../src/wire/durable-admin/schedules.ts";
import { DURABLE } from "../../src/wire/durable-admin/service.ts";
import { WhenMissed } from "../../src/wire/gen/agentrt/v1/durable_pb.ts";
import {
  encodeExtras,
  readRecords,
  recordLength,
  writeRecord,
} from "../../src/wire/link/records.ts";
import { encodeStoredRoute } from "../../src/wire/link/stored-route.ts";
import { rejectionOf } from "../kit/thrown.ts";
import { DEADLINE_MS, RawClient } from "./wire-worker.ts";

const MAX_MESSAGE_BYTES = 64 * 1024;
const ROUTE = encodeStoredRoute({
  sender: new AgentId("clerk", "one"),
  headers: { priority: "high" },
  dataType: "Order",
  contentType: "application/json",
});

let folder: string;
let log: MessageLog;
let topics: DurableTopics;
let parts: DurableAdminParts | undefined;
let appended: number;
let server: Server;
let client: DurableAdminClient;
let address: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-durable-admin-"));
  log = await openMessageLog(folder, { now: () => 7_000 });
  appended = 0;
  topics = new DurableTopics(log);
  const schedules = new DurableSchedules({
    ...{ log, topics, counts: newDurableCounts() },
    onFired: async () => undefined,
  });
  parts = {
    log,
    topics,
    schedules,
    onAppended: () => {
      appended += 1;
    },
    backupFolder: join(folder, "backups"),
  };
  server = new Server();
  server.addService(
    DURABLE,
    createDurableAdmin({
      get durable() {
        return parts;
      },
      ...{ maxMessageBytes: MAX_MESSAGE_BYTES, maxHeaders: 10, maxHeaderBytes: 1_024 },
      onCall: () => undefined,
    }),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  address = `127.0.0.1:${port}`;
  client = new DurableAdminClient(address, { maxMessageBytes: MAX_MESSAGE_BYTES });
});

afterEach(async () => {
  client[Symbol.dispose]();
  server.forceShutdown();
  await log.close();
  rmSync(folder, { recursive: true });
});

function recordsOf(texts: readonly string[], id = ""): Uint8Array {
  const parts = texts.map((text) => {
    const payload = new TextEncoder().encode(text);
    const extras = id === "" ? undefined : encodeExtras({ id, headers: { own: "1" } });
    const record = new Uint8Array(recordLength(payload.byteLength, extras?.byteLength ?? 0));
    writeRecord(record, 0, payload, extras);
    return record;
  });
  return new Uint8Array(Buffer.concat(parts));
}

function batch(sequence: number, texts: readonly string[], id = ""): LogBatch {
  const records = recordsOf(texts, id);
  return {
    topicType: "orders",
    topicSource: "shop",
    route: ROUTE,
    count: texts.length,
    records,
    checksum: crc32(records),
    encoding: 0,
    producer: "shop/1",
    sequence,
    publishedAtMs: 1_000,
    expiresAtMs: 2_000,
    deliverAtMs: undefined,
  };
}

async function giveUp(...positions: number[]): Promise<void> {
  await log.openCursor("c", {
    patterns: [{ kind: "type", text: "orders" }],
    start: { at: "first" },
  });
  await log.commit({
    cursors: [],
    dead: positions.map((position) => {
      const lastError = "HANDLER_FAILED: no";
      return { cursor: "c", position, reason: "MAX_ATTEMPTS", lastError, attempts: 5 };
    }),
  });
}

function ask<C extends DurableCall>(call: C, request: DurableRequestInit<C>) {
  return client.call(call, request, DEADLINE_MS);
}

test("durable admin - what is declared is stored and listed as it was given", async () => {
  const declaration = {
    topics: { text: "order", isPrefix: true },
    isDurable: true,
    retentionAgeMs: 86_400_000n,
    retentionBytes: 2n ** 40n,
    maxDeliver: 3,
  };
  await ask("setTopic", { declaration });
  await ask("setTopic", { declaration: { topics: { text: "orders.test" } } });
  expect(await log.listTopics()).toMatchObject([
    { pattern: { kind: "prefix", text: "order" }, isDurable: true, maxDeliver: 3 },
    { pattern: { kind: "type", text: "orders.test" }, isDurable: false },
  ]);
  const { declarations } = await ask("listTopics", {});
  expect(declarations).toEqual([
    {
      topics: { text: "order", isPrefix: true },
      isDurable: true,
      retentionAgeMs: 86_400_000,
      retentionBytes: 2 ** 40,
      maxDeliver: 3,
    },
    { topics: { text: "orders.test", isPrefix: false }, isDurable: false },
  ]);
  const topics = { text: "orders.test", isPrefix: false };
  expect(await ask("removeTopic", { topics })).toEqual({ wasThere: true });
  expect(await ask("removeTopic", { topics })).toEqual({ wasThere: false });
});

test("durable admin - a pattern or limit that cannot be is refused", async () => {
  const blank = await rejectionOf(ask("setTopic", { declaration: { isDurable: true } }));
  expect(blank.code).toBe("INVALID_TOPIC");
  const topics = { text: "orders" };
  const none = await rejectionOf(
    ask("setTopic", { declaration: { topics, retentionRecords: 0n } }),
  );
  expect([none.code, none.data["field"]]).toEqual(["INVALID_OPTION", "retention_records"]);
  const huge = await rejectionOf(
    ask("setTopic", { declaration: { topics, timeToLiveMs: 2n ** 60n } }),
  );
  expect(huge.code).toBe("INVALID_OPTION");
  expect(await log.listTopics()).toEqual([]);
});

test("durable admin - stored messages are read from a position, a time, and by topic", async () => {
  await log.append([batch(1, ["1", "2"]), batch(3, ["3"])]);
  const all = await ask("read", { from: { case: "position", value: 1n } });
  expect(all).toMatchObject({ next: 4, isAtEnd: true, damaged: [] });
  expect(all.batches.map(({ position, count }) => [position, count])).toEqual([
    [1, 2],
    [3, 1],
  ]);
  expect(all.batches[0]).toMatchObject({
    storedAtMs: 7_000,
    topicType: "orders",
    topicSource: "shop",
    senderType: "clerk",
    senderKey: "one",
    dataType: "Order",
    headers: { priority: "high" },
    producer: "shop/1",
    sequence: 1,
    records: recordsOf(["1", "2"]),
  });
  const late = await ask("read", { from: { case: "position", value: 3n } });
  expect(late.batches).toHaveLength(1);
  expect((await ask("read", { from: { case: "timeMs", value: 7_000n } })).batches).toHaveLength(2);
  expect((await ask("read", { from: { case: "timeMs", value: 7_001n } })).batches).toHaveLength(0);
  const other = await ask("read", { topics: [{ text: "other" }] });
  expect(other).toMatchObject({ batches: [], isAtEnd: true });
});

test("durable admin - a page holds what fits into one answer, and the next one goes on behind it", async () => {
  const headers = { long: "x".repeat(1_000) };
  const route = encodeStoredRoute({ sender: undefined, headers, dataType: "O", contentType: "" });
  const count = 200;
  await log.append(Array.from({ length: count }, (_, n) => ({ ...batch(n + 1, ["1"]), route })));
  const positions: number[] = [];
  let pages = 0;
  for (let from = 1, isAtEnd = false; !isAtEnd; pages += 1) {
    const page = await ask("read", { from: { case: "position", value: BigInt(from) } });
    positions.push(...page.batches.map(({ position }) => position));
    from = page.next;
    isAtEnd = page.isAtEnd;
  }
  expect(positions).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  expect(pages).toBeGreaterThan(3);
  await log.append([batch(1_000, ["x".repeat(MAX_MESSAGE_BYTES - 50)])]);
  const large = await rejectionOf(ask("read", { from: { case: "position", value: 201n } }));
  expect([large.code, large.data["position"]]).toEqual(["TOO_LARGE", 201]);
});

test("durable admin - a dead record is shown alone and keeps its id when it is replayed", async () => {
  await log.append([batch(1, ["1", "2", "3"])]);
  await giveUp(2);
  const { dead } = await ask("listDead", {});
  expect(dead).toEqual([
    {
      id: 1,
      cursor: "c",
      position: 2,
      topicType: "orders",
      topicSource: "shop",
      atMs: 7_000,
      reason: "MAX_ATTEMPTS",
      lastError: "HANDLER_FAILED: no",
      attempts: 5,
    },
  ]);
  const shown = await ask("showDead", { id: 1n });
  expect(shown.batch).toMatchObject({ position: 2, sequence: 2, count: 1 });
  expect(await ask("replayDead", { id: 1n })).toEqual({ position: 4 });
  expect(appended).toBe(1);
  expect((await ask("listDead", {})).dead).toEqual([]);
  const read = await log.read({
    patterns: [{ kind: "type", text: "orders" }],
    from: 4,
    maxBatches: 9,
    maxBytes: 1_000,
  });
  expect(read.batches).toMatchObject([{ position: 4, count: 1, expiresAtMs: undefined }]);
  const texts: string[] = [];
  const [again] = read.batches;
  readRecords(again?.records ?? new Uint8Array(), 1, (payload, extras) => {
    texts.push(new TextDecoder().decode(payload), new TextDecoder().decode(extras));
  });
  expect(texts[0]).toBe("2");
  expect(texts[1]).toContain("shop/1/2");
  const twice = await rejectionOf(ask("replayDead", { id: 1n }));
  expect([twice.code, twice.data["id"]]).toEqual(["NOT_STORED", 1]);
});

test("durable admin - an id that the publisher chose and the record's headers survive a replay", async () => {
  await log.append([batch(1, ["1"], "chosen")]);
  await giveUp(1);
  await ask("replayDead", { id: 1n });
  const { batches } = await ask("read", { from: { case: "position", value: 2n } });
  expect(batches[0]?.records).toEqual(recordsOf(["1"], "chosen"));
});

test("durable admin - dead records are dropped, and pages of them go on where one ended", async () => {
  await log.append([batch(1, ["1", "2", "3"])]);
  await giveUp(1, 2, 3);
  const first = await ask("listDead", { limit: 2 });
  expect(first.dead.map(({ id }) => id)).toEqual([3, 2]);
  expect((await ask("listDead", { before: 2n })).dead.map(({ id }) => id)).toEqual([1]);
  expect(await ask("dropDead", { ids: [1n, 3n, 99n] })).toEqual({ dropped: 2 });
  expect((await ask("listDead", {})).dead.map(({ id }) => id)).toEqual([2]);
});

test("durable admin - check, facts, backup and compact say what they found and did", async () => {
  await log.append([batch(1, ["1", "2"])]);
  expect(await ask("check", {})).toMatchObject({
    isSound: true,
    batches: 1,
    records: 2,
    damaged: [],
  });
  expect(await ask("getFacts", {})).toMatchObject({
    firstPosition: 1,
    nextPosition: 3,
    records: 2,
  });
  const copy = await ask("backup", { name: "monday" });
  expect(copy.folder).toBe(join(folder, "backups", "monday"));
  await using other = await openMessageLog(copy.folder);
  expect(await other.facts()).toMatchObject({ records: 2 });
  expect((await rejectionOf(ask("backup", { name: "monday" }))).code).toBe("FILE_EXISTS");
  for (const name of ["../away", "", ".hidden", "a/b"]) {
    expect((await rejectionOf(ask("backup", { name }))).code).toBe("INVALID_OPTION");
  }
  expect((await ask("compact", {})).bytesAfter).toBeGreaterThan(0);
});

test("durable admin - a host without a data folder says so to every call", async () => {
  parts = undefined;
  for (const call of ["listTopics", "listDead", "check", "read"] as const) {
    const error = await rejectionOf(client.call(call, {}, DEADLINE_MS));
    expect(error.code).toBe("DURABLE_NEEDS_DATA");
    expect(error.message).toContain("--data DIR");
  }
});

test("durable admin - bytes that are no request, and a host of another kind", async () => {
  using raw = new RawClient(address);
  const { status } = await raw.call("/agentrt.v1.Durable/SetTopic", new Uint8Array([0xff]));
  expect(status.metadata.get("agentrt-code")).toEqual(["BAD_FRAME"]);
  const stranger = new Server();
  const port = await new Promise<number>((resolve) => {
    stranger.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) =>
      resolve(bound),
    );
  });
  using other = new DurableAdminClient(`127.0.0.1:${port}`, { maxMessageBytes: MAX_MESSAGE_BYTES });
  expect((await rejectionOf(other.call("listTopics", {}, DEADLINE_MS))).code).toBe("NOT_SUPPORTED");
  stranger.forceShutdown();
});

test("durable admin - a schedule is stored and listed as it was given, and comes no more when it is removed", async () => {
  await ask("setTopic", { declaration: { topics: { text: "orders" }, isDurable: true } });
  const base = { topicType: "orders", topicSource: "shop", dataType: "Order" };
  const whole = { ...base, contentType: "application/json", payload: new Uint8Array([1]) };
  const { nextAtMs } = await ask("setSchedule", {
    schedule: {
      ...{ ...whole, name: "b", recurrence: { case: "cron", value: "0 7 * * *" } },
      ...{ timeZone: "Europe/Berlin", headers: { priority: "high" }, whenMissed: WhenMissed.SKIP },
    },
  });
  expect(new Date(nextAtMs).toLocaleTimeString("de", { timeZone: "Europe/Berlin" })).toBe(
    "07:00:00",
  );
  await ask("setSchedule", {
    schedule: { ...whole, name: "a", recurrence: { case: "everyMs", value: 60_000n } },
  });
  const { schedules } = await ask("listSchedules", {});
  expect(schedules.map(decodeScheduleFacts)).toMatchObject([
    { name: "a", recurrence: { kind: "every", everyMs: 60_000 }, whenMissed: "once" },
    {
      ...{ name: "b", nextAtMs, whenMissed: "skip", dataType: "Order", problem: undefined },
      recurrence: { kind: "cron", pattern: "0 7 * * *", timeZone: "Europe/Berlin" },
      topic: new TopicId("orders", "shop"),
    },
  ]);
  expect(await log.listSchedules()).toMatchObject([{ name: "a" }, { name: "b" }]);
  expect((await ask("listSchedules", { after: "a" })).schedules).toHaveLength(1);
  expect(await ask("removeSchedule", { name: "a" })).toEqual({ wasThere: true });
  expect(await ask("removeSchedule", { name: "a" })).toEqual({ wasThere: false });
  expect(await log.listSchedules()).toMatchObject([{ name: "b" }]);
});

test("durable admin - a schedule without times, or with more headers than the host takes, is refused", async () => {
  const whole = { name: "a", topicType: "orders", topicSource: "shop" };
  const times = { case: "everyMs", value: 60_000n } as const;
  const codeOf = async (schedule: DurableRequestInit<"setSchedule">["schedule"]) =>
    (await rejectionOf(ask("setSchedule", { schedule }))).code;
  expect(await codeOf(undefined)).toBe("INVALID_OPTION");
  expect(await codeOf(whole)).toBe("INVALID_OPTION");
  expect(await codeOf({ ...whole, recurrence: times })).toBe("NOT_DURABLE");
  const headers = { long: "x".repeat(1_024) };
  expect(await codeOf({ ...whole, recurrence: times, headers })).toBe("TOO_LARGE");
});
