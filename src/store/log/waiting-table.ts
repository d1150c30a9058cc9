import { BATCH_COLUMNS, type BatchRow, type BatchValues, valuesOf } from "./batch-row.ts";
import type { BatchTable } from "./batch-table.ts";
import type { DamagedTable } from "./damaged-table.ts";
import type { LogDatabase } from "./log-database.ts";
import { type LogBatch, WAITING } from "./message-log.ts";
import type { Moved } from "./schedules.ts";
import type { SeenBatches } from "./seen-batches.ts";

/** Batches moved in one transaction. */
const MAX_MOVED = 1_000;

/** Batches whose time has not come. Called inside transactions. */
export class WaitingTable {
  readonly #database: LogDatabase;
  readonly #batches: BatchTable;
  readonly #seen: SeenBatches;
  readonly #damaged: DamagedTable;

  constructor(
    database: LogDatabase,
    batches: BatchTable,
    seen: SeenBatches,
    damaged: DamagedTable,
  ) {
    this.#database = database;
    this.#batches = batches;
    this.#seen = seen;
    this.#damaged = damaged;
  }

  add(batch: LogBatch, dueAtMs: number): void {
    const row = this.#batches.rowOf(batch, WAITING, dueAtMs);
    this.#database
      .query<unknown, BatchValues>(
        `INSERT INTO waiting (${BATCH_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(...valuesOf(row));
  }

  moveDue(untilMs: number, nowMs: number): Moved {
    const rows = this.#database
      .query<BatchRow & { id: number }, [number, number]>(
        "SELECT * FROM waiting WHERE stored_at <= ? ORDER BY stored_at, id LIMIT ?",
      )
      .all(untilMs, MAX_MOVED);
    const positions: number[] = [];
    for (const row of rows) {
      const batch = this.#batches.decode(row);
      if ("reason" in batch) {
        // It has no position, so its number among those that wait stands for it.
        this.#damaged.setAside(
          {
            first: -row.id,
            last: -row.id,
            topicType: this.#batches.types.get(row.type_id),
            reason: `while it waited for its time, ${batch.reason}`,
            foundAtMs: nowMs,
            records: row.records,
          },
          () => this.#remove(row.id),
        );
        continue;
      }
      const position = this.#batches.insert({ ...batch, deliverAtMs: undefined }, nowMs);
      this.#seen.move(row.producer_id, row.sequence, position);
      this.#remove(row.id);
      positions.push(position);
    }
    return { positions, nextDueAtMs: this.#nextDue() };
  }

  #remove(id: number): void {
    this.#database.query<unknown, [number]>("DELETE FROM waiting WHERE id = ?").run(id);
  }

  #nextDue(): number | undefined {
    const row = this.#database
      .query<{ due: number | null }, []>("SELECT min(stored_at) AS due FROM waiting")
      .get();
    return row?.due ?? undefined;
  }
}
