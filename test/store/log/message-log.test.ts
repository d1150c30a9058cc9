import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { MessageLogOptions } from "../../../src/store/log/log-options.ts";
import type { Appended, MessageLog, StoredBatch } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { rejectionOf } from "../../kit/thrown.ts";
import { batchOf, everything, ROUTE, textOf } from "./log-batches.ts";

let folder: string;
let log: MessageLog;

async function reopen(options: Partial<MessageLogOptions> = {}): Promise<void> {
  await log.close();
  log = await openMessageLog(folder, options);
}

async function readAll(from = 1): Promise<readonly StoredBatch[]> {
  return (await log.read(everything(from))).batches;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-log-"));
  log = await openMessageLog(folder);
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

test("message log - what was appended is read back whole, in order, after it is opened again too", async () => {
  const batches = [
    batchOf("p", 1, { count: 3, expiresAtMs: 9_000, encoding: 7 }),
    batchOf("p", 4, { topicSource: "hall", route: new Uint8Array([0, 255, 1]) }),
    batchOf("ünïcode", -5, { topicType: "humidity", topicSource: "a/b\n", bytes: 100_000 }),
    batchOf("p", 5, { records: new Uint8Array(), route: new Uint8Array() }),
  ];
  const appended = await log.append(batches);
  expect(appended).toEqual(
    [1, 4, 5, 6].map((position): Appended => ({ position, isDuplicate: false })),
  );
  for (let round = 0; round < 2; round += 1) {
    const read = await log.read(everything());
    expect(read.batches.map(({ storedAtMs: _, ...batch }) => batch)).toEqual(
      batches.map((batch, index) => ({ ...batch, position: appended[index]?.position ?? 0 })),
    );
    expect({ ...read, batches: [] }).toEqual({
      batches: [],
      next: 7,
      isAtEnd: true,
      removedUntil: 0,
      damaged: [],
    });
    await reopen();
  }
});

test("message log - the folder is made, for its owner alone", async () => {
  const inner = join(folder, "a", "b");
  const other = await openMessageLog(inner);
  await other.close();
  expect(statSync(inner).mode & 0o777).toBe(0o700);
});

test("message log - positions go on after everything, and are never given again", async () => {
  await log.append([batchOf("p", 1, { count: 10 })]);
  await reopen();
  expect(await log.append([batchOf("p", 11, { count: 5 })])).toEqual([
    { position: 11, isDuplicate: false },
  ]);
  expect(await log.facts()).toMatchObject({
    nextPosition: 16,
    firstPosition: 1,
    batches: 2,
    records: 15,
    recordBytes: 128,
    damagedRanges: 0,
  });
});

test("message log - a batch that comes again keeps its position, over restarts too", async () => {
  const [first] = await log.append([batchOf("p", 1, { count: 2 })]);
  await log.append([batchOf("q", 1), batchOf("p", 3)]);
  const again = [batchOf("p", 3), batchOf("p", 1, { count: 2 }), batchOf("p", 4)];
  expect(await log.append(again)).toEqual([
    { position: 4, isDuplicate: true },
    { position: first?.position ?? 0, isDuplicate: true },
    { position: 5, isDuplicate: false },
  ]);
  await reopen();
  expect(await log.append(again)).toEqual([
    { position: 4, isDuplicate: true },
    { position: 1, isDuplicate: true },
    { position: 5, isDuplicate: true },
  ]);
  expect(await readAll()).toHaveLength(4);
});

test("message log - the same batch twice in one call, and in two calls at once, is stored once", async () => {
  const batch = batchOf("p", 1);
  const results = await Promise.all([log.append([batch, batch]), log.append([batch])]);
  expect(results.flat().map(({ position }) => position)).toEqual([1, 1, 1]);
  expect(await readAll()).toHaveLength(1);
});

test("message log - duplicates are noticed through many batches of many producers, and restarts between", async () => {
  const producers = ["a", "b", "c"];
  const batches = Array.from({ length: 12_000 }, (_, index) =>
    batchOf(producers[index % 3] ?? "", Math.floor(index / 3) * 2, { count: 2, bytes: 10 }),
  );
  for (let from = 0; from < batches.length; from += 3_000) {
    await log.append(batches.slice(from, from + 3_000));
  }
  for (let round = 0; round < 2; round += 1) {
    for (const index of [0, 1, 2, 4_095, 4_096, 5_999, 11_999]) {
      const [batch] = batches.slice(index);
      expect(await log.append(batch === undefined ? [] : [batch])).toEqual([
        { position: 1 + index * 2, isDuplicate: true },
      ]);
    }
    await reopen();
  }
});

test("message log - older numbers than the newest are stored when they are new", async () => {
  await log.append([batchOf("p", 100)]);
  expect(await log.append([batchOf("p", 50, { count: 50 })])).toEqual([
    { position: 2, isDuplicate: false },
  ]);
});

test.each([
  [1, 3],
  [2, 2],
  [2, 5],
  [3, 1],
  [0, 2],
])(
  "message log - records %p, %p of them, that overlap a stored batch are refused",
  async (sequence, count) => {
    await log.append([batchOf("p", 1, { count: 4 })]);
    const error = await rejectionOf(log.append([batchOf("p", sequence, { count })]));
    expect(error.code).toBe("INVALID_MESSAGE");
    expect(error.message).toContain("overlap with a stored batch of 4 from 1");
    expect(await readAll()).toHaveLength(1);
  },
);

test("message log - of each producer the newest batches are remembered", async () => {
  await reopen({ dedupBatchesPerProducer: 16 });
  for (let sequence = 1; sequence <= 64; sequence += 1) {
    await log.append([batchOf("p", sequence)]);
  }
  // Until they are written to their table, more are.
  await reopen({ dedupBatchesPerProducer: 16 });
  const [old, recent] = [batchOf("p", 1), batchOf("p", 49)];
  expect(await log.append([recent, old])).toEqual([
    { position: 49, isDuplicate: true },
    { position: 65, isDuplicate: false },
  ]);
});

test("message log - all batches of a call are stored, or none", async () => {
  const bad = { ...batchOf("p", 2), checksum: 1 };
  const error = await rejectionOf(log.append([batchOf("p", 1), bad, batchOf("p", 3)]));
  expect(error.code).toBe("INVALID_MESSAGE");
  expect(error.message).toBe(
    "The records of a batch (producer p, sequence 2) do not fit its checksum, so they were changed on their way. Send it again.",
  );
  expect(await readAll()).toEqual([]);
  expect(await log.append([batchOf("p", 1)])).toEqual([{ position: 1, isDuplicate: false }]);
});

test("message log - a call that is refused harms none that shares its transaction", async () => {
  const results = await Promise.allSettled([
    log.append([batchOf("p", 1)]),
    log.append([{ ...batchOf("p", 2), checksum: 1 }]),
    log.append([batchOf("p", 3)]),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await readAll()).map(textOf)).toEqual(["p/1", "p/3"]);
});

test.each([
  { count: 0 },
  { count: 1.5 },
  { count: 1_000_001 },
  { sequence: Number.MAX_SAFE_INTEGER },
  { sequence: Number.NaN },
  { encoding: 0.5 },
  { publishedAtMs: Number.POSITIVE_INFINITY },
  { expiresAtMs: 0.1 },
  { producer: "" },
  { topicType: "" },
])("message log - a batch with %j is refused", async (change) => {
  const error = await rejectionOf(log.append([{ ...batchOf("p", 1), ...change }]));
  expect(error.code).toBe("INVALID_OPTION");
});

test("message log - many appends at once share transactions and stay in order", async () => {
  const appended = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => log.append([batchOf("p", index + 1)])),
  );
  expect(appended.map(([only]) => only?.position)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
  expect((await readAll()).map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
});

test("message log - no more bytes wait than allowed", async () => {
  await reopen({ maxQueuedBytes: 1_000 });
  const first = log.append([batchOf("p", 1, { bytes: 900 })]);
  const second = log.append([batchOf("p", 2, { bytes: 101 })]);
  const error = await rejectionOf(second);
  expect(error.code).toBe("QUEUE_FULL");
  await first;
  // One that alone is larger is not kept out for ever.
  await log.append([batchOf("p", 3, { bytes: 5_000 })]);
  expect((await readAll()).map(({ sequence }) => sequence)).toEqual([1, 3]);
});

test("message log - closed, it finishes what was asked for and refuses the rest", async () => {
  const asked = log.append([batchOf("p", 1)]);
  const closing = log.close();
  const late = rejectionOf(log.append([batchOf("p", 2)]));
  expect((await late).code).toBe("RUNTIME_STATE");
  expect(await asked).toHaveLength(1);
  await closing;
  await log.close();
  expect((await rejectionOf(log.read(everything()))).code).toBe("RUNTIME_STATE");
  log = await openMessageLog(folder);
  expect((await readAll()).map(textOf)).toEqual(["p/1"]);
});

test("message log - reading goes by exact types and prefixes, with limits, and goes on where it ended", async () => {
  const types = ["a.b", "a.c", "ab", "b", "a"];
  for (let sequence = 1; sequence <= 50; sequence += 1) {
    const topicType = types[sequence % types.length] ?? "";
    await log.append([batchOf("p", sequence, { topicType, bytes: 100 })]);
  }
  const read = async (
    patterns: readonly { kind: "type" | "prefix"; text: string }[],
    limits: { maxBatches: number; maxBytes: number },
  ): Promise<readonly number[]> => {
    const sequences: number[] = [];
    for (let from = 1; ; ) {
      const part = await log.read({ patterns, from, ...limits });
      expect(part.batches.length).toBeLessThanOrEqual(limits.maxBatches);
      expect(part.batches.length).toBeLessThanOrEqual(Math.max(1, limits.maxBytes / 100));
      sequences.push(...part.batches.map(({ sequence }) => sequence));
      if (part.isAtEnd) {
        return sequences;
      }
      expect(part.next).toBeGreaterThan(from);
      from = part.next;
    }
  };
  const expected = (isWanted: (type: string) => boolean): readonly number[] =>
    Array.from({ length: 50 }, (_, index) => index + 1).filter((sequence) =>
      isWanted(types[sequence % types.length] ?? ""),
    );
  for (const limits of [
    { maxBatches: 1, maxBytes: 1_000 },
    { maxBatches: 7, maxBytes: 350 },
    { maxBatches: 1_000, maxBytes: 1 },
    { maxBatches: 1_000, maxBytes: 1_000_000 },
  ]) {
    expect(await read([{ kind: "type", text: "a" }], limits)).toEqual(expected((t) => t === "a"));
    expect(await read([{ kind: "prefix", text: "a." }], limits)).toEqual(
      expected((t) => t.startsWith("a.")),
    );
    expect(
      await read(
        [
          { kind: "prefix", text: "a" },
          { kind: "type", text: "a.b" },
          { kind: "type", text: "nowhere" },
        ],
        limits,
      ),
    ).toEqual(expected((t) => t.startsWith("a")));
    expect(await read([{ kind: "type", text: "nowhere" }], limits)).toEqual([]);
    expect(await read([], limits)).toEqual([]);
  }
});

test("message log - more topic types than are looked up one by one are read in order too", async () => {
  await log.append(
    Array.from({ length: 5_000 }, (_, index) =>
      batchOf("p", index + 1, { topicType: index % 100 === 0 ? "other" : `t.${index % 40}` }),
    ),
  );
  const sequences: number[] = [];
  for (let from = 1; ; ) {
    const part = await log.read({
      patterns: [{ kind: "prefix", text: "t." }],
      from,
      maxBatches: 10_000,
      maxBytes: 1_000_000,
    });
    sequences.push(...part.batches.map(({ sequence }) => sequence));
    if (part.isAtEnd) {
      break;
    }
    from = part.next;
  }
  expect(sequences).toEqual(
    Array.from({ length: 5_000 }, (_, index) => index + 1).filter((s) => (s - 1) % 100 !== 0),
  );
});

test("message log - from a position inside a batch, that batch is the first", async () => {
  await log.append([batchOf("p", 1, { count: 10 }), batchOf("p", 11, { count: 10 })]);
  expect((await readAll(10)).map(({ position }) => position)).toEqual([1, 11]);
  expect((await readAll(11)).map(({ position }) => position)).toEqual([11]);
  expect((await readAll(20)).map(({ position }) => position)).toEqual([11]);
  const beyond = await log.read(everything(21));
  expect(beyond).toMatchObject({ batches: [], next: 21, isAtEnd: true });
});

test("message log - positions are found by time, also when the clock goes back", async () => {
  let nowMs = 1_000;
  await reopen({ now: () => nowMs });
  for (const time of [1_000, 2_000, 1_500, 3_000, 3_000]) {
    nowMs = time;
    await log.append([batchOf("p", time + (await log.facts()).nextPosition, { count: 2 })]);
  }
  expect((await readAll()).map(({ storedAtMs }) => storedAtMs)).toEqual([
    1_000, 2_000, 2_000, 3_000, 3_000,
  ]);
  for (const [time, position] of [
    [0, 1],
    [1_000, 1],
    [1_001, 3],
    [2_000, 3],
    [2_001, 7],
    [3_000, 7],
    [3_001, 11],
  ] as const) {
    expect(await log.positionAt(time)).toBe(position);
  }
});

test("message log - routes come back as they were, whatever topics and bytes they hold", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          topicType: fc.string({ minLength: 1, unit: "binary" }),
          topicSource: fc.string({ unit: "binary" }),
          route: fc.uint8Array({ maxLength: 30 }),
          producer: fc.string({ minLength: 1, unit: "binary" }),
        }),
        { minLength: 1, maxLength: 20 },
      ),
      async (routes) => {
        const { nextPosition } = await log.facts();
        const batches = routes.map((route, index) => batchOf("x", nextPosition + index, route));
        await log.append(batches);
        expect(
          (await readAll(nextPosition)).map(({ position: _, storedAtMs: __, ...batch }) => batch),
        ).toEqual(batches);
      },
    ),
    { numRuns: 50 },
  );
  expect(ROUTE).toEqual(new TextEncoder().encode("a route"));
});
