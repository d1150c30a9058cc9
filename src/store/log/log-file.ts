import { AgentrtError } from "../../core/errors.ts";
import { makeAsks } from "./log-asks.ts";
import type { AskCalls, WriteCalls } from "./log-calls.ts";
import { LogDatabase } from "./log-database.ts";
import { guard } from "./log-errors.ts";
import { type LogFileOptions, type LogParts, makeParts } from "./log-parts.ts";
import { appendedBefore, makeWrites } from "./log-writes.ts";
import type { JournalMending } from "./mended-journal.ts";
import type { Appended, DamagedRange, LogBatch } from "./message-log.ts";

/** The log itself, in the thread that has the file. */
export class LogFile implements Disposable {
  /** Each is to be run inside {@link transaction}. */
  readonly writes: WriteCalls;
  /** Each is to be run by {@link ask}. */
  readonly asks: AskCalls;
  /** Set before every call: the clock is its caller's. */
  nowMs = 0;
  readonly #parts: LogParts;
  #isClosed = false;

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
    options: LogFileOptions,
    report: (range: DamagedRange) => void,
  ) {
    this.#parts = makeParts(database, options, report, () => this.nowMs);
    this.writes = makeWrites(this.#parts);
    this.asks = makeAsks(this.#parts, {
      plain: (work) => this.#inTurn(work),
      transaction: (work) => this.#inTurn(() => this.transaction(work)),
    });
  }

  /** What had to be done to the write-ahead log. */
  get mending(): JournalMending | undefined {
    return this.#parts.database.mending;
  }

  /**
   * One transaction round calls of {@link writes}. When it returns, what they did is on disk; when it throws, they
   * did nothing.
   */
  transaction<R>(calls: () => R): R {
    const { database, tail, seen, words, batches, dead } = this.#parts;
    try {
      const result = guard(database.folder, () =>
        database.transaction(() => {
          const value = calls();
          tail.writeWhenDue();
          seen.writeWhenDue();
          return value;
        }),
      );
      tail.settle();
      seen.settle();
      return result;
    } catch (error) {
      tail.revert();
      seen.revert();
      words.forget();
      batches.forget();
      dead.forget();
      throw error;
    }
  }

  /** Where batches that come again are, also while nothing can be written; undefined unless all of them are there. */
  appendedBefore(batches: readonly LogBatch[]): readonly Appended[] | undefined {
    return guard(this.#parts.database.folder, () => appendedBefore(this.#parts, batches));
  }

  async ask<R>(call: () => R | Promise<R>): Promise<R> {
    const { folder } = this.#parts.database;
    try {
      return await call();
    } catch (error) {
      return guard(folder, () => {
        throw error;
      });
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#writeTotals();
      this.#parts.database[Symbol.dispose]();
    }
  }

  /** So that the next start need not count. */
  #writeTotals(): void {
    try {
      this.transaction(() => {
        this.#parts.tail.write();
        this.#parts.seen.write();
      });
    } catch (error) {
      if (!(error instanceof AgentrtError)) {
        throw error;
      }
      // A full or damaged disk: then the next start counts.
    }
  }

  async #inTurn<R>(work: () => R): Promise<R> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#isClosed) {
      throw new AgentrtError("RUNTIME_STATE", "The message log is closed.");
    }
    return work();
  }
}
