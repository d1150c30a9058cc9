import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { AgentrtError } from "../../../src/core/errors.ts";
import type { MessageLog } from "../../../src/store/log/message-log.ts";
import { openMessageLog } from "../../../src/store/log/open-message-log.ts";
import { ALL, batchOf, everything, textOf } from "./log-batches.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-damage-"));
  file = join(folder, "log.sqlite");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function filled(count: number, bytes = 200): Promise<void> {
  await using log = await openMessageLog(folder);
  for (let sequence = 1; sequence <= count; sequence += 1) {
    await log.append([batchOf("p", sequence, { bytes, topicType: `t.${sequence % 3}` })]);
  }
  await log.openCursor("c", { patterns: ALL, start: { at: "position", position: 7 } });
}

function change(sql: string): void {
  const database = new Database(file);
  database.run(sql);
  database.close();
}

/** Reads to the end, whatever it takes. */
async function readOut(
  log: MessageLog,
  patterns: readonly { readonly kind: "type" | "prefix"; readonly text: string }[] = ALL,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let from = 1; ; ) {
    const { batches, next, isAtEnd } = await log.read({ ...everything(from), patterns });
    texts.push(...batches.map(textOf));
    if (isAtEnd) {
      return texts;
    }
    expect(next).toBeGreaterThan(from);
    from = next;
  }
}

function all(count: number, but: readonly number[] = []): string[] {
  return Array.from({ length: count }, (_, index) => index + 1)
    .filter((sequence) => !but.includes(sequence))
    .map((sequence) => `p/${sequence}`);
}

test.each([
  ["records = CAST('changed' AS BLOB)", "its records were changed since they were stored"],
  ["sequence = 999", "its head was changed since it was stored"],
  ["count = 2", "its head was changed since it was stored"],
  ["seal = seal + 1", "its head was changed since it was stored"],
  ["producer_id = 77", "its head was changed since it was stored"],
])(
  "damage - a row with %s is set aside and reported, the rest is served",
  async (damage, reason) => {
    await filled(9);
    change(`UPDATE batches SET ${damage} WHERE position = 4`);
    await using log = await openMessageLog(folder);
    for (let round = 0; round < 2; round += 1) {
      const read = await log.read(everything());
      expect(read.batches.map(textOf)).toEqual(all(9, [4]));
      expect(read.damaged).toMatchObject([{ first: 4, last: 4, topicType: "t.1", reason }]);
      expect(read).toMatchObject({ next: 10, isAtEnd: true });
    }
    expect(await log.listDamaged(9)).toHaveLength(1);
    expect(await log.facts()).toMatchObject({ damagedRanges: 1, batches: 8, nextPosition: 10 });
    expect((await log.read(everything(5))).damaged).toEqual([]);
    await log.close();
    const database = new Database(file);
    expect(database.query("SELECT count(*) AS n FROM batches").get()).toEqual({ n: 8 });
    // What is left of it is kept, for whoever wants to look.
    expect(database.query("SELECT length(records) > 0 AS kept FROM damaged").get()).toEqual({
      kept: 1,
    });
    database.close();
  },
);

test("damage - a word is read from its copy, and with both gone its batches are set aside", async () => {
  await filled(9);
  change("UPDATE words SET content = CAST(content || 'x' AS BLOB) WHERE kind <> 1");
  {
    await using log = await openMessageLog(folder);
    expect(await readOut(log)).toEqual(all(9));
    // The same route and producer again.
    await log.append([batchOf("p", 10, { topicType: "t.1" })]);
    expect(await readOut(log)).toEqual(all(10));
  }
  change("UPDATE words_copy SET content = CAST('x' AS BLOB) WHERE kind = 3");
  await using log = await openMessageLog(folder);
  expect((await log.read(everything())).batches).toMatchObject([{ sequence: 10 }]);
});

test("damage - rows that an index has lost are found all the same, and check mends it", async () => {
  await filled(30);
  const bytes = readFileSync(file);
  for (const position of [2, 12, 15, 30]) {
    loseEntry(bytes, position);
  }
  writeFileSync(file, bytes);
  await using log = await openMessageLog(folder);
  expect(await readOut(log)).toEqual(all(30));
  expect(await readOut(log, [{ kind: "type", text: "t.0" }])).toEqual(
    all(30).filter((_, index) => (index + 1) % 3 === 0),
  );
  expect(await log.check()).toMatchObject({ isMended: true, isSound: true, batches: 30 });
});

/** What a flipped bit does to the entry of a row in the index by type: it is no longer of that type. */
function loseEntry(bytes: Buffer, position: number): void {
  for (let page = 0; page < bytes.length; page += 4_096) {
    // A leaf of an index.
    for (let at = page; bytes[page] === 0x0a && at < page + 4_090; at += 1) {
      const isEntry = bytes.subarray(at, at + 4).equals(Buffer.from([5, 3, 1, 1]));
      if (isEntry && bytes[at + 5] === position) {
        bytes[at + 4] = (bytes[at + 4] ?? 0) ^ 0x40;
        return;
      }
    }
  }
  throw new Error(`No entry of ${position}.`);
}

test("damage - a cursor that cannot be read begins at the oldest record, and says so", async () => {
  await filled(3);
  change("UPDATE cursors SET state = '[999,[],[]]'");
  await using log = await openMessageLog(folder);
  expect(await log.openCursor("c", { patterns: ALL, start: { at: "next" } })).toEqual({
    name: "c",
    patterns: ALL,
    state: { floor: 1, done: [], attempts: [] },
    wasDamaged: true,
  });
  expect((await log.openCursor("c", { patterns: ALL, start: { at: "next" } })).wasDamaged).toBe(
    false,
  );
});

test("damage - a batch that waits for its time is set aside, and the others come", async () => {
  {
    await using log = await openMessageLog(folder);
    await log.append([
      batchOf("p", 1, { deliverAtMs: Date.now() + 1_000_000 }),
      batchOf("p", 2, { deliverAtMs: Date.now() + 1_000_000 }),
    ]);
  }
  change("UPDATE waiting SET records = CAST('x' AS BLOB) WHERE sequence = 1");
  await using log = await openMessageLog(folder);
  expect((await log.moveDue(Number.MAX_SAFE_INTEGER)).positions).toEqual([1]);
  expect(await readOut(log)).toEqual(["p/2"]);
  expect(await log.listDamaged(9)).toMatchObject([{ first: -1, last: -1 }]);
});

test("damage - a page of batches that is wiped costs the batches in it, no others", async () => {
  await filled(300, 400);
  const bytes = readFileSync(file);
  const pages = leavesOf(bytes);
  expect(pages.length).toBeGreaterThan(10);
  const victim = pages[5] ?? 0;
  bytes.fill(0xff, (victim - 1) * 4_096, victim * 4_096);
  writeFileSync(file, bytes);
  await using log = await openMessageLog(folder);
  const texts = await readOut(log);
  expect(texts.length).toBeGreaterThan(280);
  const damaged = await log.listDamaged(1_000);
  const lost = all(300).filter((text) => !texts.includes(text));
  expect(lost.length).toBeGreaterThan(2);
  for (const text of lost) {
    const position = Number(text.slice(2));
    expect(damaged.some(({ first, last }) => first <= position && position <= last)).toBe(true);
  }
  // It goes on taking messages.
  await log.append([batchOf("p", 301, { topicType: "t.0" })]);
  expect(await readOut(log)).toEqual([...texts, "p/301"]);
  const report = await log.check();
  expect(report.isSound).toBe(false);
  expect(report.structure.length).toBeGreaterThan(0);
});

/** Leaf pages of a table that hold records of this test. */
function leavesOf(bytes: Buffer): readonly number[] {
  const pages: number[] = [];
  for (let page = 2; page * 4_096 <= bytes.length; page += 1) {
    const at = (page - 1) * 4_096;
    if (bytes[at] === 0x0d && bytes.subarray(at, at + 4_096).includes("....")) {
      pages.push(page);
    }
  }
  return pages;
}

test("damage - whatever bits flip, what is missing is reported, nothing is invented and the order stays, or the log says that it is damaged", async () => {
  await filled(120, 300);
  const sound = join(folder, "sound");
  copyFileSync(file, sound);
  const size = readFileSync(sound).length;
  const expected = new Set(all(120));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.integer({ min: 0, max: 7 })), {
        minLength: 1,
        maxLength: 3,
      }),
      async (flips) => {
        const bytes = readFileSync(sound);
        for (const [offset, bit] of flips) {
          bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
        }
        writeFileSync(file, bytes);
        rmSync(`${file}-wal`, { force: true });
        try {
          await using log = await openMessageLog(folder);
          const texts = await readOut(log);
          // Nothing is invented, nothing comes twice, the order stays.
          expect(texts.every((text) => expected.has(text))).toBe(true);
          const numbers = texts.map((text) => Number(text.slice(2)));
          expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
          // What is missing is said to be damaged.
          const damaged = await log.listDamaged(1_000);
          for (const text of expected) {
            const position = Number(text.slice(2));
            expect(
              texts.includes(text) ||
                damaged.some(({ first, last }) => first <= position && position <= last),
            ).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof AgentrtError)) {
            throw error;
          }
          // A flipped bit may also make a newer format of it, or one that this SQLite only reads.
          expect(error.code).toStartWith("STORE_");
        }
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
