import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { LogBatch } from "../../src/store/log/message-log.ts";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { recordLength, writeRecord } from "../../src/wire/link/records.ts";
import { encodeStoredRoute } from "../../src/wire/link/stored-route.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

/** A host over a data folder with six stored messages, three of them given up. */
let host: AgentrtProcess;
let folder: string;
let data: string;
let at: readonly string[];

const HOST = ["--role", "host", "--listen", "127.0.0.1:0", "--http", "off"];
const STORED_MS = Date.UTC(2026, 0, 31, 8);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentrt-cli-durable-"));
  data = join(folder, "data");
  let nowMs = STORED_MS;
  const log = await openMessageLog(data, { now: () => nowMs });
  await log.append([batch("orders", 1, 4)]);
  nowMs += 60_000;
  await log.append([batch("orders", 5, 1), batch("bills", 6, 1)]);
  await log.openCursor("packer", {
    patterns: [{ kind: "type", text: "orders" }],
    start: { at: "next" },
  });
  const why = { reason: "MAX_ATTEMPTS", lastError: "HANDLER_FAILED: no box", attempts: 5 };
  const dead = [2, 3, 4].map((position) => ({ cursor: "packer", position, ...why }));
  await log.commit({ cursors: [], dead });
  await log.close();
  // The dead ones are from long ago.
  host = startAgentrt([...HOST, "--data", data, "--durable-dead-max-age", "off"]);
  const { properties } = await host.waitForLog("host ready");
  at = ["--host-address", String(properties["listen"])];
});

afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Messages with the JSON `{"n": <their number>}`. */
function batch(topicType: string, sequence: number, count: number): LogBatch {
  const parts = Array.from({ length: count }, (_, index) => {
    const payload = new TextEncoder().encode(`{"n": ${sequence + index}}`);
    const record = new Uint8Array(recordLength(payload.byteLength, 0));
    writeRecord(record, 0, payload, undefined);
    return record;
  });
  const records = new Uint8Array(Buffer.concat(parts));
  return {
    topicType,
    topicSource: "shop",
    route: encodeStoredRoute({
      sender: undefined,
      dataType: "Order",
      contentType: "application/json",
      headers: {},
    }),
    count,
    records,
    checksum: crc32(records),
    encoding: 0,
    producer: "shop/1",
    sequence,
    publishedAtMs: STORED_MS,
    expiresAtMs: undefined,
    deliverAtMs: undefined,
  };
}

/** What a command printed as JSON. */
async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runAgentrt([...args, "--json", ...at]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

async function failure(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runAgentrt([...args, ...at]);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^agentrt: [^\n]+ \[[A-Z_]+\]\n$/);
  return `${code} ${stderr}`;
}

test("topic - set, list and remove, for people and as JSON", async () => {
  expect((await runAgentrt(["topic", "list", ...at])).stdout).toContain("No topic is durable.");
  const set = await runAgentrt(["topic", "set", "orders", "--durable", ...at]);
  expect(set).toEqual({ code: 0, stdout: "orders is durable\n", stderr: "" });
  const limits = [
    "--retention-age",
    "3650d",
    "--retention-count",
    "1000",
    "--retention-size",
    "1GiB",
  ];
  expect(
    await json(
      "topic",
      "set",
      "bills*",
      "--durable",
      ...limits,
      "--max-deliver",
      "3",
      "--ttl",
      "1h",
    ),
  ).toEqual({
    topic: "bills*",
    durable: true,
    retentionAgeMs: 315_360_000_000,
    retentionCount: 1_000,
    retentionBytes: 1024 ** 3,
    maxDeliver: 3,
    ttlMs: 3_600_000,
  });
  expect(await json("topic", "set", "bills.test", "--no-durable")).toMatchObject({
    durable: false,
  });
  const topics = (await json("topic", "list")) as { topic: string; durable: boolean }[];
  expect(topics.map(({ topic, durable }) => [topic, durable])).toEqual([
    ["bills*", true],
    ["bills.test", false],
    ["orders", true],
  ]);
  const { stdout } = await runAgentrt(["topic", "list", ...at]);
  expect(stdout).toMatch(
    /^TOPIC +DURABLE +KEEPS FOR +KEEPS COUNT +KEEPS BYTES +MAX DELIVER +TTL\n/,
  );
  expect(stdout).toMatch(/\nbills\* +yes +3650d +1000 +1073741824 +3 +1h\n/);
  expect(await json("topic", "remove", "bills.test")).toEqual({
    topic: "bills.test",
    removed: true,
  });
  expect(await failure("topic", "remove", "bills.test")).toMatch(/^1 .*\[NOT_STORED\]/);
});

test("topic - what cannot be meant is wrong usage", async () => {
  for (const args of [
    ["topic"],
    ["topic", "make", "orders"],
    ["topic", "set"],
    ["topic", "set", "orders"],
    ["topic", "set", "orders/shop", "--durable"],
    ["topic", "set", "or ders", "--durable"],
    ["topic", "set", "orders", "--durable", "--ttl", "soon"],
    ["topic", "list", "orders"],
    ["topic", "remove", "orders", "--durable"],
    ["dead", "show"],
    ["dead", "show", "x"],
    ["dead", "list", "1"],
    ["data", "backup"],
    ["data", "check", "x"],
    ["sub", "orders", "--from", "soon"],
  ]) {
    expect([args.join(" "), await failure(...args)]).toEqual([
      args.join(" "),
      expect.stringMatching(/^2 .*\[INVALID_OPTION\]\n$/),
    ]);
  }
});

test("sub --from - shows what is stored from a position, by topic, and ends after so many", async () => {
  const from = ["--from", "2", "--json", "--count", "4"];
  const { code, stdout, stderr } = await runAgentrt(["sub", "orders", ...from, ...at]);
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    [2, 3, 4, 5].map((n) => ({
      at: new Date(STORED_MS + (n === 5 ? 60_000 : 0)).toISOString(),
      position: n,
      topic: "orders/shop",
      sender: null,
      id: `shop/1/${n}`,
      headers: {},
      dataType: "Order",
      contentType: "application/json",
      data: { n },
    })),
  );
});

test("sub --from - begins at a time, and shows several topics in the order in which they were stored", async () => {
  const from = ["--from", "2026-01-31T08:00:30Z", "--count", "2"];
  const { stdout } = await runAgentrt(["sub", "bil*", "orders/shop", ...from, ...at]);
  expect(stdout).toMatch(
    /^5 [\d-]+ [\d:]+ orders\/shop Order \{"n": 5\}\n6 [\d-]+ [\d:]+ bills\/shop Order \{"n": 6\}\n$/,
  );
});

test("dead - list, show, replay and drop", async () => {
  const list = (await json("dead", "list")) as { id: number }[];
  expect(list.map(({ id }) => id)).toEqual([3, 2, 1]);
  const first = {
    id: 1,
    at: expect.any(String),
    topic: "orders/shop",
    position: 2,
    subscription: "packer",
    reason: "MAX_ATTEMPTS",
    attempts: 5,
    lastError: "HANDLER_FAILED: no box",
  };
  expect(list[2] as unknown).toEqual(first);
  expect(await json("dead", "show", "1")).toEqual({
    ...first,
    message: expect.objectContaining({ position: 2, id: "shop/1/2", data: { n: 2 } }),
  });
  const { stdout } = await runAgentrt(["dead", "list", "--limit", "2", ...at]);
  expect(stdout).toMatch(/^ID +AT +TOPIC +POSITION +SUBSCRIPTION +REASON +ATTEMPTS +LAST ERROR\n/);
  expect(stdout.trimEnd().split("\n")).toHaveLength(3);
  await using sub = startAgentrt(["sub", "orders", "--from", "6", "--json", "--count", "1", ...at]);
  const replayed = (await json("dead", "replay", "1")) as { replayed: { position: number }[] };
  expect(replayed.replayed).toMatchObject([{ id: 1, position: 7 }]);
  // What is stored while it is shown follows by itself.
  expect(await sub.waitForExit()).toBe(0);
  expect(JSON.parse(sub.stdout)).toMatchObject({ position: 7, id: "shop/1/2", data: { n: 2 } });
  expect(await failure("dead", "replay", "1")).toMatch(/^1 .*no dead record 1.*\[NOT_STORED\]/);
  expect(await json("dead", "drop", "2")).toEqual({ dropped: 1 });
  expect(await json("dead", "drop", "all")).toEqual({ dropped: 1 });
  expect((await runAgentrt(["dead", "list", ...at])).stdout).toBe(
    "No durable message was given up.\n",
  );
});

test("data - check, backup and compact of a running host, whose folder is locked", async () => {
  const check = await runAgentrt(["data", "check", ...at]);
  expect([check.code, check.stderr]).toEqual([0, ""]);
  expect(check.stdout).toMatch(/^sound: \d+ messages in \d+ batches\n$/);
  const copy = (await json("data", "backup", "monday")) as { folder: string };
  expect(copy.folder).toBe(join(data, "backups", "monday"));
  const ofCopy = ["data", "check", "--json", "--data", copy.folder];
  const { code, stdout } = await runAgentrt(ofCopy);
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { isSound: true, damaged: [] }]);
  expect(await failure("data", "backup", "monday")).toMatch(/^1 .*\[FILE_EXISTS\]/);
  expect(await failure("data", "backup", "../away")).toMatch(/^2 .*\[INVALID_OPTION\]/);
  expect(await json("data", "compact")).toMatchObject({ bytesAfter: expect.any(Number) });
  const locked = await runAgentrt(["data", "check", "--data", data]);
  expect([locked.code, locked.stdout]).toEqual([1, ""]);
  expect(locked.stderr).toContain("[STORE_LOCKED]");
  const nothing = await runAgentrt(["data", "check", "--data", join(folder, "nothing")]);
  expect([nothing.code, nothing.stdout]).toEqual([1, ""]);
  expect(nothing.stderr).toContain("[NOT_STORED]");
});

test("data - of a stopped host the folder itself is checked and copied", async () => {
  const own = join(folder, "own");
  await (await openMessageLog(own)).close();
  const check = await runAgentrt(["data", "check", "--data", own]);
  expect(check).toEqual({ code: 0, stdout: "sound: 0 messages in 0 batches\n", stderr: "" });
  const copy = join(folder, "copy");
  const backup = await runAgentrt(["data", "backup", copy, "--data", own]);
  expect(backup.stdout).toEndWith(`bytes copied to ${copy}\n`);
  expect((await runAgentrt(["data", "compact", "--data", copy])).code).toBe(0);
});

test("durable commands - a host without a data folder, and none at all, are told apart", async () => {
  await using bare = startAgentrt([...HOST, "--data", "none"]);
  const { properties } = await bare.waitForLog("host ready");
  const there = ["--host-address", String(properties["listen"])];
  for (const args of [
    ["topic", "set", "orders", "--durable"],
    ["dead", "list"],
    ["data", "check"],
    ["sub", "orders", "--from", "1"],
  ]) {
    const { code, stderr } = await runAgentrt([...args, ...there]);
    expect([args.join(" "), code]).toEqual([args.join(" "), 1]);
    expect(stderr).toMatch(/--data DIR.*\[DURABLE_NEEDS_DATA\]\n$/);
  }
  const nobody = ["--host-address", "127.0.0.1:1", "--connect-timeout", "300ms"];
  const { code, stderr } = await runAgentrt(["topic", "list", ...nobody]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("[NOT_CONNECTED]")]);
});

test("pub - what it said to have published on a durable topic is there after kill -9 of the host", async () => {
  const own = join(folder, "killed");
  const start = async (): Promise<[AgentrtProcess, readonly string[]]> => {
    const started = startAgentrt([...HOST, "--data", own]);
    const { properties } = await started.waitForLog("host ready");
    return [started, ["--host-address", String(properties["listen"])]];
  };
  const [first, there] = await start();
  try {
    expect((await runAgentrt(["topic", "set", "jobs*", "--durable", ...there])).code).toBe(0);
    const pub = ["pub", "jobs.new", '{"n": 1}', "--type", "Job", "--count", "300", "--json"];
    const { code, stdout } = await runAgentrt([...pub, ...there]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { published: 300, losses: 0 }]);
    const plain = await runAgentrt(["pub", "plain", "hello", ...there]);
    expect(plain.code).toBe(0);
  } finally {
    await first.kill();
  }
  const [second, again] = await start();
  await using _host = second;
  const sub = ["sub", "*", "--from", "1", "--count", "300", "--json"];
  const { code, stdout } = await runAgentrt([...sub, ...again]);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  const messages = lines.map((line) => JSON.parse(line) as { position: number; topic: string });
  expect(messages.map(({ position }) => position)).toEqual(
    Array.from({ length: 300 }, (_, index) => index + 1),
  );
  expect(new Set(messages.map(({ topic }) => topic))).toEqual(new Set(["jobs.new/default"]));
  const check = await runAgentrt(["data", "check", "--json", ...again]);
  expect(JSON.parse(check.stdout)).toMatchObject({ isSound: true, records: 300 });
  // Declarations survive, too.
  expect((await runAgentrt(["topic", "list", ...again])).stdout).toContain("jobs*");
});

test("pub - on a durable topic of a store that is full it fails with the code, on others it does not", async () => {
  const small = ["--data", join(folder, "full"), "--durable-max-size", "1MiB"];
  await using full = startAgentrt([...HOST, ...small, "--durable-topics", "jobs"]);
  const { properties } = await full.waitForLog("host ready");
  const there = ["--host-address", String(properties["listen"])];
  const pub = ["pub", "jobs", "x".repeat(100_000), "--count", "20"];
  const { code, stdout, stderr } = await runAgentrt([...pub, ...there]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^agentrt: [^\n]+ \[STORE_FULL\]\n$/);
  expect((await runAgentrt(["pub", "plain", "hello", ...there])).code).toBe(0);
});

/** Fails until there is a box, and says then what it packed. */
const PACKER = `
import { existsSync } from "node:fs";
import { defineAgent, defineMessage, TopicId } from "agentrt";

const Order = defineMessage("Order", (value) => Object(value) as { n: number });
const Packed = defineMessage("Packed", (value) => Object(value) as { n: number });

export const packer = defineAgent({
  type: "packer",
  description: "Packs orders",
  subscriptions: ["orders"],
  setup(agent) {
    agent.handleEvent(Order, async ({ n }) => {
      if (!existsSync(process.env["BOX"] ?? "")) {
        throw new Error("there is no box");
      }
      await agent.publishMessage(Packed.of({ n }), new TopicId("packed", "shop"));
    });
  },
});
`;

test("dead - what an agent could not handle is listed with its error, and handled after a replay", async () => {
  const box = join(folder, "box");
  const file = join(folder, "packer.ts");
  await writeFile(file, PACKER);
  await using shop = startAgentrt([...HOST, "--data", join(folder, "shop")]);
  const { properties } = await shop.waitForLog("host ready");
  const there = ["--host-address", String(properties["listen"])];
  const declare = ["topic", "set", "orders", "--durable", "--max-deliver", "2"];
  expect((await runAgentrt([...declare, ...there])).code).toBe(0);
  expect((await runAgentrt(["topic", "set", "packed", "--durable", ...there])).code).toBe(0);
  await using worker = startAgentrt(
    ["--role", "worker", "--agent", file, "--data", join(folder, "packer"), ...there],
    { env: { BOX: box } },
  );
  await worker.waitForLog("worker connected");
  const pub = ["pub", "orders/shop", '{"n": 1}', "--type", "Order"];
  expect((await runAgentrt([...pub, ...there])).code).toBe(0);
  let dead: readonly Record<string, unknown>[] = [];
  await waitFor(
    async () => {
      const { stdout } = await runAgentrt(["dead", "list", "--json", ...there]);
      dead = JSON.parse(stdout) as readonly Record<string, unknown>[];
      return dead.length > 0;
    },
    { what: "the dead record", timeoutMs: 30_000 },
  );
  expect(dead).toMatchObject([{ id: 1, topic: "orders/shop", attempts: 2 }]);
  expect(dead[0]?.["lastError"]).toContain("there is no box");
  await writeFile(box, "");
  expect((await runAgentrt(["dead", "replay", "all", ...there])).code).toBe(0);
  const sub = ["sub", "packed", "--from", "1", "--count", "1", "--json"];
  const { stdout } = await runAgentrt([...sub, ...there]);
  expect(JSON.parse(stdout)).toMatchObject({ topic: "packed/shop", data: { n: 1 } });
  const { stdout: left } = await runAgentrt(["dead", "list", "--json", ...there]);
  expect(JSON.parse(left)).toEqual([]);
});
