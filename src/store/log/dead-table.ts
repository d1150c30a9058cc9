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

/** Records that were given up, each with a copy of its batch. Called inside transactions where it writes. */
export class DeadTable {
  readonly #database: LogDatabase;
  readonly #batches: BatchTable;
  readonly #words: Words;

  constructor(database: LogDatabase, batches: BatchTable, words: Words) {
    this.#database = database;
    this.#batches = batches;
    this.#words = words;
  }

  add(dead: NewDeadRecord, nowMs: number): void {
    const head = this.#keepBatch(dead.position);
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
    let dropped = 0;
    const remove = this.#database.query<{ batch: number }, [number]>(
      "DELETE FROM dead_records WHERE id = ? RETURNING batch",
    );
    const tidy = this.#database.query<unknown, [number]>(
      `DELETE FROM dead_batches WHERE position = ?1
         AND NOT EXISTS (SELECT 1 FROM dead_records WHERE batch = ?1)`,
    );
    for (const id of ids) {
      const row = remove.get(id);
      if (row !== null) {
        dropped += 1;
        tidy.run(row.batch);
      }
    }
    return dropped;
  }

  /** Undefined when the log has no such batch any more, or cannot read it: the record is dead without it as well. */
  #keepBatch(position: number): HeadRow | undefined {
    try {
      const head = this.#database
        .query<HeadRow, [number]>(
          `SELECT ${HEAD_COLUMNS} FROM batches WHERE position <= ? ORDER BY position DESC LIMIT 1`,
        )
        .get(position);
      if (head === null || head.position + head.count <= position) {
        return undefined;
      }
      this.#database
        .query<unknown, [number]>(
          "INSERT OR IGNORE INTO dead_batches SELECT * FROM batches WHERE position = ?",
        )
        .run(head.position);
      return head;
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
