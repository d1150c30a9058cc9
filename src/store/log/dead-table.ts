import { type BatchRow, HEAD_COLUMNS, type HeadRow } from "./batch-row.ts";
import type { BatchTable } from "./batch-table.ts";
import type { DeadRecord, DeadRecordWithBatch, DeadRequest } from "./dead-records.ts";
import type { LogDatabase } from "./log-database.ts";
import { isDamage } from "./log-errors.ts";
import type { NewDeadRecord } from "./message-log.ts";
import type { Words } from "./words.ts";

interface DeadRow {
  readonly id: number;
  readonly cursor: string;
  readonly position: number;
  /** Where its batch begins, or 0. */
  readonly batch: number;
  readonly topic_type: string;
  readonly topic_source: string;
  readonly at: number;
  readonly reason: string;
  readonly last_error: string;
  readonly attempts: number;
}

/** What is kept of dead records. */
export interface DeadLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number | undefined;
}

export interface DeadTotals {
  readonly records: number;
  /** Of the batches that they are in, and of their errors. */
  readonly bytes: number;
}

/** Names the fact that says how many dead records were dropped because there were too many or they were too old. */
const DROPPED = "dead_dropped";

/** Records that were given up, each with a copy of its batch. Called inside transactions where it writes. */
export class DeadTable {
  readonly #database: LogDatabase;
  readonly #batches: BatchTable;
  readonly #words: Words;
  readonly #limits: DeadLimits;
  /** Undefined until they are counted. */
  #totals: DeadTotals | undefined;

  constructor(database: LogDatabase, batches: BatchTable, words: Words, limits: DeadLimits) {
    this.#database = database;
    this.#batches = batches;
    this.#words = words;
    this.#limits = limits;
  }

  get totals(): DeadTotals {
    this.#totals ??= this.#count();
    return this.#totals;
  }

  /** Dropped because of the limits, ever. */
  get dropped(): number {
    const row = this.#database
      .query<{ value: number }, [string]>("SELECT value FROM facts WHERE name = ?")
      .get(DROPPED);
    return row?.value ?? 0;
  }

  /** After a transaction that failed: what it did has not happened. */
  forget(): void {
    this.#totals = undefined;
  }

  add(dead: NewDeadRecord, nowMs: number): void {
    const before = this.totals;
    const kept = this.#keepBatch(dead.position);
    const head = kept?.head;
    const route = head === undefined ? undefined : this.#words.route(head.route_id);
    this.#database
      .query<unknown, [string, number, number, string, string, number, string, string, number]>(
        `INSERT INTO dead_records
           (cursor, position, batch, topic_type, topic_source, at, reason, last_error, attempts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        dead.cursor,
        dead.position,
        head?.position ?? 0,
        route?.topicType ?? "",
        route?.topicSource ?? "",
        nowMs,
        dead.reason,
        dead.lastError,
        dead.attempts,
      );
    this.#totals = {
      records: before.records + 1,
      bytes: before.bytes + (kept?.addedBytes ?? 0) + Buffer.byteLength(dead.lastError),
    };
  }

  /** Drops the oldest that are too many, but never the newest of all. To be called after {@link add}. */
  keepWithinLimits(): void {
    const { maxRecords, maxBytes } = this.#limits;
    const oldest = this.#database.query<{ id: number }, []>(
      "SELECT id FROM dead_records ORDER BY id LIMIT 1",
    );
    let dropped = 0;
    while (
      this.totals.records > 1 &&
      (this.totals.records > maxRecords || this.totals.bytes > maxBytes)
    ) {
      const row = oldest.get();
      if (row === null || this.drop([row.id]) === 0) {
        // The table and what is known of it do not fit: it is counted again the next time.
        this.forget();
        break;
      }
      dropped += 1;
    }
    this.#noteDropped(dropped);
  }

  /** Drops some that are too old. @returns false when there are no more */
  dropTooOld(nowMs: number, atMost: number): boolean {
    const { maxAgeMs } = this.#limits;
    if (maxAgeMs === undefined) {
      return false;
    }
    // By their order, because their times have no index: the clock may have gone back, which then keeps some longer.
    const ids = this.#database
      .query<{ id: number; at: number }, [number]>(
        "SELECT id, at FROM dead_records ORDER BY id LIMIT ?",
      )
      .all(atMost);
    const young = ids.findIndex(({ at }) => at > nowMs - maxAgeMs);
    const old = young < 0 ? ids : ids.slice(0, young);
    this.#noteDropped(this.drop(old.map(({ id }) => id)));
    return old.length === atMost;
  }

  list({ limit, cursor, before }: DeadRequest): readonly DeadRecord[] {
    return this.#database
      .query<DeadRow, [string | null, number | null, number]>(
        `SELECT * FROM dead_records
         WHERE (?1 IS NULL OR cursor = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3`,
      )
      .all(cursor ?? null, before ?? null, limit)
      .map(decode);
  }

  get(id: number): DeadRecordWithBatch | undefined {
    const row = this.#database
      .query<DeadRow, [number]>("SELECT * FROM dead_records WHERE id = ?")
      .get(id);
    if (row === null) {
      return undefined;
    }
    const kept = this.#database
      .query<BatchRow, [number]>("SELECT * FROM dead_batches WHERE position = ?")
      .get(row.batch);
    const batch = kept === null ? undefined : this.#batches.decode(kept);
    return {
      dead: decode(row),
      batch: batch === undefined || "reason" in batch ? undefined : batch,
      index: row.batch === 0 ? 0 : row.position - row.batch,
    };
  }

  /** Which cursor gave a record up; undefined when there is no such record. */
  cursorOf(id: number): string | undefined {
    return this.#database
      .query<{ cursor: string }, [number]>("SELECT cursor FROM dead_records WHERE id = ?")
      .get(id)?.cursor;
  }

  drop(ids: readonly number[]): number {
    let { records, bytes } = this.totals;
    let dropped = 0;
    const remove = this.#database.query<{ batch: number; bytes: number }, [number]>(
      "DELETE FROM dead_records WHERE id = ? RETURNING batch, length(CAST(last_error AS BLOB)) AS bytes",
    );
    const tidy = this.#database.query<{ bytes: number }, [number]>(
      `DELETE FROM dead_batches WHERE position = ?1
         AND NOT EXISTS (SELECT 1 FROM dead_records WHERE batch = ?1)
         RETURNING length(records) AS bytes`,
    );
    for (const id of ids) {
      const row = remove.get(id);
      if (row !== null) {
        dropped += 1;
        records -= 1;
        bytes -= row.bytes + (tidy.get(row.batch)?.bytes ?? 0);
      }
    }
    this.#totals = { records, bytes };
    return dropped;
  }

  #count(): DeadTotals {
    try {
      const records = this.#sum("dead_records", "length(CAST(last_error AS BLOB))");
      const batches = this.#sum("dead_batches", "length(records)");
      return { records: records.records, bytes: records.bytes + batches.bytes };
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      // What cannot be counted is not bounded, which is better than that nothing more could be kept.
      return { records: 0, bytes: 0 };
    }
  }

  #sum(table: string, bytes: string): DeadTotals {
    const row = this.#database
      .query<DeadTotals, []>(
        `SELECT count(*) AS records, ifnull(sum(${bytes}), 0) AS bytes FROM ${table}`,
      )
      .get();
    return row ?? { records: 0, bytes: 0 };
  }

  #noteDropped(count: number): void {
    if (count > 0) {
      this.#database
        .query<unknown, [string, number]>(
          `INSERT INTO facts (name, value) VALUES (?, ?)
             ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
        )
        .run(DROPPED, count);
    }
  }

  /** Undefined when the log has no such batch any more, or cannot read it: the record is dead without it as well. */
  #keepBatch(position: number): { head: HeadRow; addedBytes: number } | undefined {
    try {
      const head = this.#database
        .query<HeadRow, [number]>(
          `SELECT ${HEAD_COLUMNS} FROM batches WHERE position <= ? ORDER BY position DESC LIMIT 1`,
        )
        .get(position);
      if (head === null || head.position + head.count <= position) {
        return undefined;
      }
      const added = this.#database
        .query<{ bytes: number }, [number]>(
          `INSERT OR IGNORE INTO dead_batches SELECT * FROM batches WHERE position = ?
             RETURNING length(records) AS bytes`,
        )
        .get(head.position);
      return { head, addedBytes: added?.bytes ?? 0 };
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      return undefined;
    }
  }
}

function decode(row: DeadRow): DeadRecord {
  return {
    id: row.id,
    cursor: row.cursor,
    position: row.position,
    topicType: row.topic_type,
    topicSource: row.topic_source,
    atMs: row.at,
    reason: row.reason,
    lastError: row.last_error,
    attempts: row.attempts,
  };
}
