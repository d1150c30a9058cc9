import { HEAD_COLUMNS, type HeadRow, isSealed, MAX_RECORDS_PER_BATCH } from "./batch-row.ts";
import type { LogDatabase } from "./log-database.ts";

/** What the log holds of one topic type. */
export interface TypeTotals {
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  /** Position of its newest batch that was ever stored, or 0. */
  readonly newest: number;
}

const NOTHING: TypeTotals = { batches: 0, records: 0, bytes: 0, newest: 0 };

/** Names the fact that says from where on nothing was removed; with a colon and a type's id, of that type. */
const REMOVED_UNTIL = "removed_until";

/** Batches after which the totals are written, so that opening the file need not count more. */
const TOTALS_EVERY = 50_000;

/**
 * Where the log ends and how much is in it, in memory.
 * What a transaction changes counts when it is settled; reverted, nothing has happened.
 */
export class LogTail {
  readonly #database: LogDatabase;
  readonly #totals = new Map<number, TypeTotals>();
  /** The totals that a transaction changes, as they were before it. */
  readonly #before = new Map<number, TypeTotals>();
  #next = 1;
  #settledNext = 1;
  #storedAtMs = 0;
  #removedUntil = 0;
  /** The same by type id, of what retention removed. */
  readonly #removedOf = new Map<number, number>();
  #changesSinceWritten = 0;

  constructor(database: LogDatabase) {
    this.#database = database;
    this.#load();
  }

  /** The position that the next record gets. */
  get next(): number {
    return this.#next;
  }

  /** By type id. */
  get totals(): ReadonlyMap<number, TypeTotals> {
    return this.#totals;
  }

  /** From here on nothing was removed but what is set aside as damaged. */
  get removedUntil(): number {
    return this.#removedUntil;
  }

  /** Retention removes what there is of a type below this. Follow it by {@link write} in the same transaction. */
  removesUntil(typeId: number, position: number): void {
    // When the transaction fails, it is too high, which only makes less sure what is lost.
    this.#removedUntil = Math.max(this.#removedUntil, position);
    this.#removedOf.set(typeId, Math.max(this.removedUntilOf(typeId), position));
  }

  /** From here on retention removed nothing of the type. */
  removedUntilOf(typeId: number): number {
    return this.#removedOf.get(typeId) ?? 0;
  }

  newestOf(typeId: number): number {
    return this.#totals.get(typeId)?.newest ?? 0;
  }

  take(count: number): number {
    const position = this.#next;
    this.#next += count;
    return position;
  }

  /** The host's clock, kept from going back. */
  tick(nowMs: number): number {
    this.#storedAtMs = Math.max(this.#storedAtMs, Math.trunc(nowMs));
    return this.#storedAtMs;
  }

  added(typeId: number, position: number, records: number, bytes: number): void {
    const totals = this.#change(typeId);
    this.#totals.set(typeId, {
      batches: totals.batches + 1,
      records: totals.records + records,
      bytes: totals.bytes + bytes,
      newest: position,
    });
  }

  /** Follow it by {@link write} in the same transaction. */
  removed(typeId: number, batches: number, records: number, bytes: number): void {
    const totals = this.#change(typeId);
    this.#totals.set(typeId, {
      batches: Math.max(0, totals.batches - batches),
      records: Math.max(0, totals.records - records),
      bytes: Math.max(0, totals.bytes - bytes),
      newest: totals.newest,
    });
  }

  settle(): void {
    this.#before.clear();
    this.#settledNext = this.#next;
  }

  revert(): void {
    for (const [typeId, totals] of this.#before) {
      this.#totals.set(typeId, totals);
    }
    this.#before.clear();
    this.#next = this.#settledNext;
  }

  /** Inside a transaction, when enough was added. */
  writeWhenDue(): void {
    if (this.#changesSinceWritten >= TOTALS_EVERY) {
      this.write();
    }
  }

  /** Inside a transaction: whatever is removed in it, positions are never given again. */
  write(): void {
    const upsert = this.#database.query<unknown, [number, number, number, number, number]>(
      "INSERT OR REPLACE INTO type_totals (type_id, batches, records, bytes, newest) VALUES (?, ?, ?, ?, ?)",
    );
    for (const [typeId, { batches, records, bytes, newest }] of this.#totals) {
      upsert.run(typeId, batches, records, bytes, newest);
    }
    const fact = this.#database.query<unknown, [string, number]>(
      "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)",
    );
    fact.run("totals_until", this.#next);
    fact.run("next_position", this.#next);
    fact.run(REMOVED_UNTIL, this.#removedUntil);
    for (const [typeId, until] of this.#removedOf) {
      fact.run(`${REMOVED_UNTIL}:${typeId}`, until);
    }
    this.#changesSinceWritten = 0;
  }

  #change(typeId: number): TypeTotals {
    const totals = this.#totals.get(typeId) ?? NOTHING;
    if (!this.#before.has(typeId)) {
      this.#before.set(typeId, totals);
    }
    this.#changesSinceWritten += 1;
    return totals;
  }

  #load(): void {
    for (const row of this.#database
      .query<TypeTotals & { type_id: number }, []>("SELECT * FROM type_totals")
      .all()) {
      const { type_id, batches, records, bytes, newest } = row;
      this.#totals.set(type_id, { batches, records, bytes, newest });
    }
    // Not by the index, which may have lost rows.
    const added = this.#database.query<TypeTotals & { type_id: number }, [number]>(
      `SELECT type_id, count(*) AS batches, sum(count) AS records, sum(length(records)) AS bytes,
         max(position) AS newest
       FROM batches NOT INDEXED WHERE position >= ? GROUP BY type_id`,
    );
    for (const row of added.all(this.#fact("totals_until") ?? 0)) {
      const totals = this.#totals.get(row.type_id) ?? NOTHING;
      this.#totals.set(row.type_id, {
        batches: totals.batches + row.batches,
        records: totals.records + row.records,
        bytes: totals.bytes + row.bytes,
        newest: Math.max(totals.newest, row.newest),
      });
      this.#changesSinceWritten += row.batches;
    }
    const last = this.#database
      .query<HeadRow, []>(`SELECT ${HEAD_COLUMNS} FROM batches ORDER BY position DESC LIMIT 1`)
      .get();
    const damaged = this.#database
      .query<{ next: number | null }, []>("SELECT max(last) + 1 AS next FROM damaged")
      .get();
    this.#next = Math.max(
      1,
      this.#fact("next_position") ?? 1,
      last === null ? 1 : endOf(last),
      damaged?.next ?? 1,
    );
    this.#settledNext = this.#next;
    this.#removedUntil = this.#fact(REMOVED_UNTIL) ?? 0;
    for (const { name, value } of this.#database
      .query<{ name: string; value: number }, []>(
        `SELECT name, value FROM facts WHERE name GLOB '${REMOVED_UNTIL}:*'`,
      )
      .all()) {
      this.#removedOf.set(Number(name.slice(REMOVED_UNTIL.length + 1)), value);
    }
    this.#storedAtMs = last !== null && isSealed(last) ? last.stored_at : 0;
  }

  #fact(name: string): number | undefined {
    return this.#database
      .query<{ value: number }, [string]>("SELECT value FROM facts WHERE name = ?")
      .get(name)?.value;
  }
}

/** Of a row whose count may be wrong: no less than a batch can hold, so that no position is given twice. */
function endOf(row: HeadRow): number {
  return row.position + (isSealed(row) ? row.count : MAX_RECORDS_PER_BATCH);
}
