import { AgentrtError } from "../../core/errors.ts";
import { BatchTable } from "./batch-table.ts";
import { CursorTable } from "./cursor-table.ts";
import { DamagedTable } from "./damaged-table.ts";
import type { AskCalls, WriteCalls } from "./log-calls.ts";
import { LogDatabase } from "./log-database.ts";
import { guard } from "./log-errors.ts";
import { LogReader } from "./log-reader.ts";
import { LogTail } from "./log-tail.ts";
import type { CursorStart, DamagedRange, LogFacts, StoredCursor } from "./message-log.ts";
import { SeenBatches } from "./seen-batches.ts";
import { Words } from "./words.ts";

export interface LogFileOptions {
  readonly dedupBatchesPerProducer: number;
  readonly maxFileBytes: number | undefined;
}

/** The log itself, in the thread that has the file: every call returns when it is done. */
export class LogFile implements Disposable {
  readonly writes: WriteCalls;
  readonly asks: AskCalls;
  /** Set before every call: the clock is its caller's. */
  nowMs = 0;
  readonly #database: LogDatabase;
  readonly #words: Words;
  readonly #tail: LogTail;
  readonly #batches: BatchTable;
  readonly #damaged: DamagedTable;
  readonly #reader: LogReader;
  readonly #cursors: CursorTable;

  /** @throws AgentrtError as {@link LogDatabase} */
  static open(
    folder: string,
    options: LogFileOptions,
    report: (range: DamagedRange) => void,
  ): LogFile {
    const database = new LogDatabase(folder, options.maxFileBytes);
    try {
      return guard(folder, () => new LogFile(database, options, report));
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(
    database: LogDatabase,
    { dedupBatchesPerProducer }: LogFileOptions,
    report: (range: DamagedRange) => void,
  ) {
    this.#database = database;
    this.#words = new Words(database);
    this.#tail = new LogTail(database);
    const seen = new SeenBatches(database, dedupBatchesPerProducer);
    this.#batches = new BatchTable(database, this.#tail, this.#words, seen);
    this.#damaged = new DamagedTable(database, report);
    const now = (): number => this.nowMs;
    this.#reader = new LogReader(database, this.#batches, this.#tail, this.#damaged, now);
    this.#cursors = new CursorTable(database);
    this.writes = this.#makeWrites();
    this.asks = this.#makeAsks();
  }

  /**
   * One transaction round calls of {@link writes}. When it returns, what they did is on disk; when it throws, they
   * did nothing.
   */
  transaction<R>(calls: () => R): R {
    try {
      const result = guard(this.#database.folder, () =>
        this.#database.transaction(() => {
          const value = calls();
          this.#tail.writeWhenDue();
          return value;
        }),
      );
      this.#tail.settle();
      return result;
    } catch (error) {
      this.#tail.revert();
      this.#words.forget();
      guard(this.#database.folder, () => this.#batches.forget());
      throw error;
    }
  }

  /** Runs one call of {@link asks}. */
  ask<R>(call: () => R): R {
    return guard(this.#database.folder, call);
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  #makeWrites(): WriteCalls {
    return {
      append: (_, batches) => batches.map((batch) => this.#batches.append(batch, this.nowMs)),
      openCursor: ({ name, patterns, start }) => {
        const known = this.#cursors.get(name, this.#oldest());
        const state = known?.state ?? {
          floor: this.#positionOf(start),
          done: [],
          attempts: [],
        };
        const isSame =
          known !== undefined && JSON.stringify(known.patterns) === JSON.stringify(patterns);
        if (!isSame || known.wasDamaged) {
          this.#cursors.put(name, patterns, state);
        }
        return { name, patterns, state, wasDamaged: known?.wasDamaged ?? false };
      },
      removeCursor: ({ name }) => this.#cursors.remove(name),
      commit: ({ cursors, dead = [] }) => {
        if (dead.length > 0) {
          throw new AgentrtError("NOT_SUPPORTED", "Dead records are not kept yet.");
        }
        for (const cursor of cursors) {
          this.#cursors.update(cursor);
        }
      },
    };
  }

  #makeAsks(): AskCalls {
    return {
      read: (request) => this.#reader.read(request),
      positionAt: ({ timeMs }) => this.#reader.positionAt(timeMs),
      listDamaged: ({ limit }) => this.#damaged.list(0, Number.POSITIVE_INFINITY, limit),
      listCursors: (): readonly StoredCursor[] => this.#cursors.list(this.#oldest()),
      facts: () => this.#facts(),
    };
  }

  #positionOf(start: CursorStart): number {
    switch (start.at) {
      case "first":
        return this.#oldest();
      case "next":
        return this.#tail.next;
      case "position":
        return Math.max(1, start.position);
      case "time":
        return this.#reader.positionAt(start.timeMs);
      default:
        return start satisfies never;
    }
  }

  #oldest(): number {
    const row = this.#database
      .query<{ position: number | null }, []>("SELECT min(position) AS position FROM batches")
      .get();
    return row?.position ?? this.#tail.next;
  }

  #facts(): LogFacts {
    let batches = 0;
    let records = 0;
    let recordBytes = 0;
    for (const totals of this.#tail.totals.values()) {
      batches += totals.batches;
      records += totals.records;
      recordBytes += totals.bytes;
    }
    return {
      nextPosition: this.#tail.next,
      firstPosition: this.#oldest(),
      batches,
      records,
      recordBytes,
      damagedRanges: this.#damaged.size,
      bytesOnDisk: this.#database.bytesOnDisk(),
    };
  }
}
