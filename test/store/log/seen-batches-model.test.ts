/**
 * What the log recognises as stored before, with publishers that send new batches, old ones and overlapping ones,
 * over transactions that fail, retention, long silences, and restarts with and without a last word.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import fc from "fast-check";
import { AgentrtError } from "../../../src/core/errors.ts";
import { LogFile } from "../../../src/store/log/log-file.ts";
import { LOG_FILE } from "../../../src/store/log/log-file-name.ts";
import type { Appended, LogBatch } from "../../../src/store/log/message-log.ts";
import { batchOf, everything, textOf } from "./log-batches.ts";

const PER_PRODUCER = 3;
const MAX_AGE_MS = 1_000;
const MAX_RECORDS = 12;
/** Producers that are looked at closely. */
const PRODUCERS = ["p", "q"] as const;
/** Its many batches make the log write down what it remembers. */
const CROWD = "crowd";
const OPTIONS = {
  ...{ dedupBatchesPerProducer: PER_PRODUCER, dedupProducerAgeMs: MAX_AGE_MS },
  ...{ maxFileBytes: undefined, dead: { maxRecords: 10, maxBytes: 1_000, maxAgeMs: undefined } },
};
/** In memory where that can be had: thousands of transactions are synced. */
const FOLDER = joinPath(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "agentrt-seen-");

interface Known {
  readonly sequence: number;
  readonly count: number;
  /** Zero while it waits for its time. */
  position: number;
  readonly dueAtMs: number | undefined;
  /** True when its producer was silent for so long that it need not be recognised. */
  mayBeForgotten: boolean;
  /** True when it was stored once more after it was forgotten, while the first one waited for its time. */
  isTwice: boolean;
}

interface Producer {
  /** Of what was ever stored and not stored anew since, by sequence. */
  known: Known[];
  /** When something of it was stored last. */
  storedAtMs: number;
  /** The same, or when something of it that waited came into the log. */
  usedAtMs: number;
  /** True when it was silent for so long that nothing of it may be left. */
  isForgotten: boolean;
  /** False from a kill on, before which more may have been written than the window has, until more comes. */
  isTrimmed: boolean;
}

interface Account {
  nowMs: number;
  next: number;
  readonly producers: Map<string, Producer>;
  /** What is at each position, for ever. */
  readonly log: Map<number, string>;
  crowd: number;
  /** It takes long. */
  readonly isCrowded: boolean;
}

interface Real {
  readonly folder: string;
  file: LogFile;
}

type Command = fc.AsyncCommand<Account, Real>;

function step(name: string, run: (account: Account, real: Real) => Promise<void> | void): Command {
  return {
    check: () => true,
    run: async (account, real) => {
      real.file.nowMs = account.nowMs;
      await run(account, real);
    },
    toString: () => name,
  };
}

function producerOf({ producers }: Account, name: string): Producer {
  const known = producers.get(name) ?? {
    ...{ known: [], storedAtMs: 0, usedAtMs: 0, isForgotten: false, isTrimmed: true },
  };
  producers.set(name, known);
  return known;
}

function overlaps(one: Known, { sequence, count }: LogBatch): boolean {
  return one.sequence < sequence + count && sequence < one.sequence + one.count;
}

/** What has to be said to a batch, of which "anything" is what is out of the window: recognised or stored. */
function expected(
  account: Account,
  batch: LogBatch,
): Appended | "new" | "refused" | { readonly anything: Appended | "refused" } {
  const producer = producerOf(account, batch.producer);
  const touched = producer.known.filter((one) => overlaps(one, batch));
  if (touched.length === 0) {
    return "new";
  }
  const [first] = touched;
  const isSame = first?.sequence === batch.sequence && first.count === batch.count;
  const position = first?.isTwice ? expect.any(Number) : (first?.position ?? 0);
  const answer = isSame ? { position, isDuplicate: true } : "refused";
  const window = producer.known.slice(-PER_PRODUCER);
  const isInWindow = touched.some((one) => window.includes(one) && !one.mayBeForgotten);
  return isInWindow ? answer : { anything: answer };
}

/** It was stored, for the first time or anew. */
function note(account: Account, batch: LogBatch, { position, isDuplicate }: Appended): void {
  const isDelayed = batch.deliverAtMs !== undefined && batch.deliverAtMs > account.nowMs;
  expect({ position, isDuplicate }).toEqual({
    ...{ position: isDelayed ? 0 : account.next, isDuplicate: false },
  });
  const producer = producerOf(account, batch.producer);
  const { sequence, count, deliverAtMs } = batch;
  const dueAtMs = isDelayed ? deliverAtMs : undefined;
  producer.known = [
    ...producer.known.filter((one) => !overlaps(one, batch)),
    { sequence, count, position, dueAtMs, mayBeForgotten: false, isTwice: false },
  ].toSorted((a, b) => a.sequence - b.sequence);
  producer.storedAtMs = account.nowMs;
  producer.usedAtMs = account.nowMs;
  producer.isForgotten = false;
  producer.isTrimmed = true;
  if (!isDelayed) {
    account.log.set(position, textOf(batch));
    account.next += count;
  }
}

/** Appends in one transaction. */
function append(account: Account, { file }: Real, batches: readonly LogBatch[]): void {
  for (const batch of batches) {
    const wanted = expected(account, batch);
    let answer: Appended | "refused";
    try {
      const [appended] = file.transaction(() => file.writes.append({}, [batch]));
      answer = appended ?? "refused";
    } catch (thrown) {
      expect(AgentrtError.from(thrown).code).toBe("INVALID_MESSAGE");
      answer = "refused";
    }
    const isNew = answer !== "refused" && !answer.isDuplicate;
    if (wanted === "new" || (typeof wanted === "object" && "anything" in wanted && isNew)) {
      expect(isNew).toBe(true);
      note(account, batch, answer as Appended);
    } else {
      const only = typeof wanted === "object" && "anything" in wanted ? wanted.anything : wanted;
      expect<unknown>(answer).toEqual(only);
    }
  }
}

const producer = fc.constantFrom(...PRODUCERS, PRODUCERS[0]);

const publish = fc
  .record({
    name: producer,
    gap: fc.constantFrom(0, 0, 0, 1, 3),
    counts: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    delayMs: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined, freq: 2 }),
  })
  .map(({ name, gap, counts, delayMs }) =>
    step(`publish ${name} +${gap} ${counts} ${delayMs ?? ""}`, (account, real) => {
      const last = producerOf(account, name).known.at(-1);
      let sequence = gap + (last === undefined ? 1 : last.sequence + last.count);
      const batches = counts.map((count) => {
        const deliverAtMs = delayMs === undefined ? undefined : account.nowMs + delayMs;
        const batch = batchOf(name, sequence, { count, deliverAtMs });
        sequence += count;
        return batch;
      });
      append(account, real, batches);
    }),
  );

/** A batch as it was, by how old it is. */
function again(account: Account, name: string, age: number): LogBatch | undefined {
  const one = producerOf(account, name).known.at(-1 - age);
  return one === undefined ? undefined : batchOf(name, one.sequence, { count: one.count });
}

const repeat = fc.tuple(producer, fc.constantFrom(0, 0, 1, 1, 2, 2, 3, 5)).map(([name, age]) =>
  step(`repeat ${name} -${age}`, (account, real) => {
    const batch = again(account, name, age);
    append(account, real, batch === undefined ? [] : [batch, batch]);
  }),
);

/** Anywhere: before, between, over what was stored. */
const anywhere = fc
  .tuple(producer, fc.integer({ min: -3, max: 12 }), fc.integer({ min: 1, max: 4 }))
  .map(([name, before, count]) =>
    step(`somewhere ${name} -${before} x ${count}`, (account, real) => {
      const last = producerOf(account, name).known.at(-1)?.sequence ?? 1;
      append(account, real, [batchOf(name, last - before, { count })]);
    }),
  );

/** Whose transaction does not come to its end: as if it had never been. */
const fail = fc.tuple(producer, fc.integer({ min: 1, max: 3 })).map(([name, count]) =>
  step(`fail ${name} x ${count}`, (account, { file }) => {
    const last = producerOf(account, name).known.at(-1);
    const sequence = last === undefined ? 1 : last.sequence + last.count;
    const full = new AgentrtError("STORE_FULL", "no room");
    expect(() =>
      file.transaction(() => {
        file.writes.append({}, [batchOf(name, sequence, { count })]);
        throw full;
      }),
    ).toThrow(full);
    // To be remembered longer does no harm.
    producerOf(account, name).usedAtMs = account.nowMs;
  }),
);

/** So many that what is remembered is written down. */
const crowd = fc.constant(
  step("crowd", (account, real) => {
    if (!account.isCrowded) {
      return;
    }
    const batches = Array.from({ length: 2_100 }, (_, index) =>
      batchOf(CROWD, account.crowd + index + 1, { bytes: 16 }),
    );
    account.crowd += batches.length;
    real.file.transaction(() => real.file.writes.append({}, batches));
    for (const batch of batches) {
      account.log.set(account.next, textOf(batch));
      account.next += 1;
    }
  }),
);

const wait = fc.constantFrom(100, 300, 600, 600, MAX_AGE_MS + 1).map((ms) =>
  step(`wait ${ms}`, (account) => {
    account.nowMs += ms;
  }),
);

const moveDue = fc.constant(
  step("move what is due", (account, { file }) => {
    const due = [...account.producers].flatMap(([name, of]) =>
      of.known
        .filter(({ position, dueAtMs }) => position === 0 && (dueAtMs ?? 0) <= account.nowMs)
        .map((one) => ({ name, of, one })),
    );
    const { positions } = file.transaction(() => file.writes.moveDue({ nowMs: account.nowMs }));
    expect(positions.length).toBeGreaterThanOrEqual(due.length);
    const { batches } = file.asks.read(everything(account.next));
    for (const { position, producer: name, sequence, count } of batches) {
      const moved = due.find((entry) => entry.name === name && entry.one.sequence === sequence);
      if (moved !== undefined) {
        moved.one.position = position;
      }
      producerOf(account, name).usedAtMs = account.nowMs;
      for (const one of producerOf(account, name).known) {
        one.isTwice ||= one.sequence === sequence && one !== moved?.one;
      }
      account.log.set(position, textOf(batchOf(name, sequence)));
      account.next = position + count;
    }
  }),
);

const retain = fc.constant(
  step("retention", async (account, { file }) => {
    await file.asks.applyRetention({});
    for (const of of account.producers.values()) {
      for (const one of of.known) {
        one.mayBeForgotten ||= of.storedAtMs < account.nowMs - MAX_AGE_MS;
      }
      of.isForgotten ||= of.usedAtMs < account.nowMs - MAX_AGE_MS;
    }
  }),
);

/** What is in the table when the file is closed in peace. */
function checkBounds(account: Account, folder: string): void {
  using database = new Database(joinPath(folder, LOG_FILE), { readonly: true });
  const rows = database
    .query<{ producer: Uint8Array; rows: number }, []>(
      `SELECT words.content AS producer, count(*) AS rows FROM seen
       JOIN words ON words.id = seen.producer_id GROUP BY seen.producer_id`,
    )
    .all();
  for (const { producer, rows: count } of rows) {
    const name = new TextDecoder().decode(producer);
    const of = account.producers.get(name);
    expect([name, of?.isForgotten ?? false]).toEqual([name, false]);
    if (of?.isTrimmed !== false) {
      expect([name, count]).toEqual([name, Math.min(count, PER_PRODUCER)]);
    }
  }
}

function open(real: Pick<Real, "folder">): LogFile {
  return LogFile.open(real.folder, OPTIONS, () => {
    throw new Error("damaged");
  });
}

/** @param isKilled without a last word */
function close({ file }: Real, isKilled: boolean): void {
  if (isKilled) {
    file.transaction = () => {
      throw new AgentrtError("STORE_UNUSABLE", "killed");
    };
  }
  file[Symbol.dispose]();
}

function kill(account: Account, real: Real): void {
  close(real, true);
  for (const of of account.producers.values()) {
    of.isTrimmed = false;
    // What came into the log since something was written down is remembered once more.
    of.isForgotten = false;
  }
  real.file = open(real);
}

/** Killed between the steps in which what is too old is removed. */
const cutRetention = fc.constant(
  step("retention is cut short", async (account, real) => {
    const cut = real.file.asks.applyRetention({}).catch(AgentrtError.from);
    await new Promise((resolve) => setImmediate(resolve));
    kill(account, real);
    expect(await cut).toMatchObject({ code: "RUNTIME_STATE" });
  }),
);

const restart = fc.boolean().map((isKilled) =>
  step(isKilled ? "kill" : "restart", (account, real) => {
    if (isKilled) {
      kill(account, real);
    } else {
      close(real, false);
      checkBounds(account, real.folder);
      real.file = open(real);
    }
  }),
);

/** Everything that must be recognised is, and what is stored is what was accepted. */
function checkAll(account: Account, real: Real): void {
  real.file.nowMs = account.nowMs;
  for (const name of PRODUCERS) {
    for (let age = 0; age < PER_PRODUCER; age += 1) {
      const batch = again(account, name, age);
      append(account, real, batch === undefined ? [] : [batch]);
    }
  }
  for (const batch of real.file.asks.read(everything()).batches) {
    expect([batch.position, textOf(batch)]).toEqual([
      ...[batch.position, account.log.get(batch.position) ?? "nothing"],
    ]);
  }
}

test("seen batches model - what comes again is recognised within the window, and nothing new is taken for it, over restarts", async () => {
  const commands = fc.commands<Account, Real, false>(
    [
      ...[publish, publish, publish, repeat, repeat, anywhere, fail, crowd],
      ...[wait, moveDue, retain, cutRetention, restart, restart],
    ],
    { maxCommands: 60, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(commands, fc.integer({ min: 1, max: 10 }), async (all, chance) => {
      const folder = await mkdtemp(FOLDER);
      const account: Account = {
        ...{ nowMs: 10_000, next: 1, producers: new Map(), log: new Map(), crowd: 0 },
        isCrowded: chance === 10,
      };
      const real: Real = { folder, file: open({ folder }) };
      try {
        const { file } = real;
        file.transaction(() =>
          file.writes.putTopic({
            ...{ pattern: { kind: "prefix", text: "" }, isDurable: true, maxDeliver: undefined },
            retention: { maxAgeMs: undefined, maxRecords: MAX_RECORDS, maxBytes: undefined },
            ...{ timeToLiveMs: undefined, settingsJson: undefined },
          }),
        );
        await fc.asyncModelRun(() => ({ model: account, real }), all);
        checkAll(account, real);
      } finally {
        close(real, false);
        checkBounds(account, folder);
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 150, interruptAfterTimeLimit: 5_000 },
  );
}, 60_000);
