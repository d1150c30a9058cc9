import { AgentrtError } from "../../core/errors.ts";
import { BATCH_COLUMNS, type BatchRow, type BatchValues, valuesOf } from "./batch-row.ts";
import { assertLegal, type BatchTable } from "./batch-table.ts";
import type { LogDatabase } from "./log-database.ts";
import { type LogBatch, WAITING } from "./message-log.ts";
import type { Firing, Schedule, StoredSchedule } from "./schedules.ts";

interface ScheduleRow extends BatchRow {
  readonly id: number;
  readonly name: string;
  readonly pattern: string;
}

/** What is published again and again. Called inside transactions where it writes. */
export class ScheduleTable {
  readonly #database: LogDatabase;
  readonly #batches: BatchTable;

  constructor(database: LogDatabase, batches: BatchTable) {
    this.#database = database;
    this.#batches = batches;
  }

  put({ name, pattern, nextAtMs, batch }: Schedule): void {
    assertLegal(batch);
    assertTime(name, nextAtMs);
    this.remove(name);
    const row = this.#batches.rowOf(batch, WAITING, nextAtMs);
    this.#database
      .query<unknown, [string, string, ...BatchValues]>(
        `INSERT INTO schedules (name, pattern, ${BATCH_COLUMNS})
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(name, pattern, ...valuesOf(row));
  }

  list(): readonly StoredSchedule[] {
    return this.#database
      .query<ScheduleRow, []>("SELECT * FROM schedules ORDER BY name")
      .all()
      .map((row) => this.#decode(row));
  }

  remove(name: string): boolean {
    return (
      this.#database.query<unknown, [string]>("DELETE FROM schedules WHERE name = ?").run(name)
        .changes > 0
    );
  }

  fire(
    name: string,
    dueAtMs: number,
    nextAtMs: number | undefined,
    firing: Firing,
    nowMs: number,
  ): number | undefined {
    const row = this.#database
      .query<ScheduleRow, [string]>("SELECT * FROM schedules WHERE name = ?")
      .get(name);
    if (row === null || row.stored_at !== dueAtMs) {
      return undefined;
    }
    const { batch, problem } = this.#decode(row);
    if (batch === undefined) {
      throw new AgentrtError(
        "STORE_DAMAGED",
        `The schedule "${name}" cannot be used: ${problem}. Remove it and make it again.`,
        { data: { schedule: name } },
      );
    }
    const position = firing === "publish" ? this.#publish(row.id, batch, dueAtMs, nowMs) : WAITING;
    if (nextAtMs === undefined) {
      this.remove(name);
    } else {
      assertTime(name, nextAtMs);
      const next = this.#batches.rowOf(batch, WAITING, nextAtMs);
      this.#database
        .query<unknown, [number, number, string]>(
          "UPDATE schedules SET stored_at = ?, seal = ? WHERE name = ?",
        )
        .run(next.stored_at, next.seal, name);
    }
    return position;
  }

  #publish(id: number, batch: LogBatch, dueAtMs: number, nowMs: number): number {
    const { expiresAtMs, publishedAtMs } = batch;
    // What it says of its life counts from each time that it is published.
    const lifeMs = expiresAtMs === undefined ? undefined : expiresAtMs - publishedAtMs;
    return this.#batches.insert(
      {
        ...batch,
        producer: `schedule:${id}`,
        sequence: dueAtMs,
        publishedAtMs: nowMs,
        expiresAtMs: lifeMs === undefined ? undefined : nowMs + lifeMs,
      },
      nowMs,
    );
  }

  #decode(row: ScheduleRow): StoredSchedule {
    const { name, pattern } = row;
    const batch = this.#batches.decode(row);
    if ("reason" in batch) {
      const { reason: problem } = batch;
      return { name, pattern, nextAtMs: row.stored_at, batch: undefined, problem };
    }
    const { position: _, storedAtMs, ...rest } = batch;
    return { name, pattern, nextAtMs: storedAtMs, batch: rest, problem: undefined };
  }
}

function assertTime(name: string, timeMs: number): void {
  if (!Number.isSafeInteger(timeMs)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `The next time of schedule "${name}" is ${timeMs}. Give whole milliseconds since 1970.`,
    );
  }
}
