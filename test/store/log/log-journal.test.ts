import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { LogFile } from "../../../src/store/log/log-file.ts";
import { mendJournal } from "../../../src/store/log/mended-journal.ts";
import { batchOf, everything, textOf } from "./log-batches.ts";

const BATCHES = 60;
const FRAME_BYTES = 24 + 4_096;
const OPTIONS = {
  dedupBatchesPerProducer: 1_000,
  dedupProducerAgeMs: 1_000_000,
  maxFileBytes: undefined,
  dead: { maxRecords: 1_000, maxBytes: 1_000_000, maxAgeMs: undefined },
};

let folder: string;
/** As a kill leaves it: everything is in the write-ahead log. */
let killed: string;
let journal: Buffer;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-journal-"));
  const data = join(folder, "data");
  killed = join(folder, "killed");
  using file = open(data);
  for (let sequence = 1; sequence <= BATCHES; sequence += 1) {
    file.transaction(() => file.writes.append({}, [batchOf("p", sequence, { bytes: 500 })]));
  }
  cpSync(data, killed, { recursive: true });
  journal = readFileSync(join(killed, "log.sqlite-wal"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function open(data: string, onDamage: (first: number) => void = () => undefined): LogFile {
  return LogFile.open(data, OPTIONS, ({ first }) => onDamage(first));
}

interface Found {
  readonly texts: readonly string[];
  readonly damaged: readonly number[];
  readonly corrected: number;
  readonly accepted: number;
}

/** What is there when the log is opened with another journal. */
function openWith(bytes: Buffer): Found {
  const data = join(folder, "opened");
  rmSync(data, { recursive: true, force: true });
  cpSync(killed, data, { recursive: true });
  writeFileSync(join(data, "log.sqlite-wal"), bytes);
  const damaged: number[] = [];
  using file = open(data, (first) => damaged.push(first));
  const { batches } = file.asks.read(everything());
  const { corrected = 0, accepted = 0 } = file.mending ?? {};
  return { texts: batches.map(textOf), damaged, corrected, accepted };
}

function flipped(bits: readonly number[]): Buffer {
  const bytes = Buffer.from(journal);
  for (const bit of bits) {
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  }
  return bytes;
}

const all = Array.from({ length: BATCHES }, (_, index) => `p/${index + 1}`);

test("journal - one that is sound is left as it is", () => {
  expect(mendJournal(Buffer.from(journal))).toBeUndefined();
  expect(openWith(journal)).toEqual({ texts: all, damaged: [], corrected: 0, accepted: 0 });
});

test("journal - a bit that flips while the host is down is turned back where that is clear", () => {
  const frames = Math.floor((journal.length - 32) / FRAME_BYTES);
  expect(frames).toBeGreaterThan(2 * BATCHES);
  // Of the head, of a frame's head, of a page; in the first, a middle and the last frame.
  const places = [0, frames >> 1, frames - 1].flatMap((frame) => {
    const at = 32 + frame * FRAME_BYTES;
    // Behind the checksum of the last one nothing says whether that or the frame is wrong.
    const ofChecksum = frame === frames - 1 ? [] : [16, 21];
    return [0, 5, 9, 14, ...ofChecksum, 24, 2_001, 4_098].map((offset) => at + offset);
  });
  for (const place of [8, 17, 21, 27, ...places]) {
    for (const bit of [0, 7]) {
      expect({ place, bit, ...openWith(flipped([place * 8 + bit])) }).toEqual({
        ...{ place, bit, texts: all, damaged: [], corrected: 1, accepted: 0 },
      });
    }
  }
}, 30_000);

test("journal - whichever bits flip in it, what is missing is reported, but for the last transaction", () => {
  const bits = fc.uniqueArray(fc.integer({ min: 32 * 8, max: journal.length * 8 - 1 }), {
    ...{ minLength: 1, maxLength: 3 },
    // Two close to each other leave too little to go by.
    selector: (bit) => Math.floor((bit / 8 - 32) / (8 * FRAME_BYTES)),
  });
  let corrected = 0;
  let accepted = 0;
  fc.assert(
    fc.property(bits, (given) => {
      fc.pre(
        given.every((bit) =>
          given.every((one) => one === bit || Math.abs(one - bit) > 64 * FRAME_BYTES),
        ),
      );
      let found: Found;
      try {
        found = openWith(flipped(given));
      } catch (error) {
        // In a page without which nothing can be read. As in the file itself, the log says so.
        expect(error).toMatchObject({ code: expect.stringMatching(/^STORE_/) });
        return;
      }
      corrected += found.corrected;
      accepted += found.accepted;
      expect(found.texts.every((text) => all.includes(text))).toBe(true);
      for (const text of all.slice(0, -1).filter((one) => !found.texts.includes(one))) {
        expect(found.damaged).toContain(Number(text.slice(2)));
      }
    }),
    { numRuns: 100 },
  );
  expect(corrected).toBeGreaterThan(2 * accepted);
  expect(accepted).toBeGreaterThan(0);
}, 30_000);

test("journal - a page of it that is wiped costs what is in that page, and that is reported", () => {
  // The frame that has the records of a message in the middle.
  const at = journal.indexOf("p/30.");
  const frame = Math.floor((at - 32) / FRAME_BYTES);
  const bytes = Buffer.from(journal);
  bytes.fill("x", at, at + 5);
  const found = openWith(bytes);
  expect(found).toMatchObject({ accepted: 1, corrected: 0 });
  expect(frame).toBeGreaterThan(2);
  expect(found.texts.length).toBeGreaterThanOrEqual(BATCHES - 1);
  for (const text of all.filter((one) => !found.texts.includes(one))) {
    expect(found.damaged).toContain(Number(text.slice(2)));
  }
});

test("journal - the end that a power loss has torn is left alone, and so is one that was cut off", () => {
  const torn = Buffer.from(journal);
  torn.fill(0, torn.length - 3_000, torn.length - 512);
  const before = Buffer.from(torn);
  expect(mendJournal(torn)).toBeUndefined();
  expect(torn.equals(before)).toBe(true);
  expect(openWith(torn).texts).toEqual(all.slice(0, -1));
  expect(mendJournal(Buffer.from(journal.subarray(0, journal.length - 3_000)))).toBeUndefined();
  expect(mendJournal(Buffer.alloc(0))).toBeUndefined();
  expect(mendJournal(Buffer.alloc(10_000, 7))).toBeUndefined();
});

test("journal - what transactions that failed have left behind the end is not taken for a part of it", () => {
  // Frames of the same log, but not behind those before them.
  const frames = (from: number, until: number): Buffer =>
    journal.subarray(32 + from * FRAME_BYTES, 32 + until * FRAME_BYTES);
  const left = Buffer.concat([
    journal.subarray(0, 32),
    frames(0, 20),
    frames(40, 43),
    frames(60, 64),
  ]);
  const before = Buffer.from(left);
  mendJournal(left);
  expect(left.equals(before)).toBe(true);
});

test("journal - a running host's is not touched", () => {
  const data = join(folder, "running");
  cpSync(killed, data, { recursive: true });
  using _file = open(data);
  const path = join(data, "log.sqlite-wal");
  const bytes = readFileSync(path);
  const at = Math.min(statSync(path).size - 1, 40_000);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
  expect(() => open(data)).toThrow("Another running host");
  expect(readFileSync(path).equals(bytes)).toBe(true);
});
