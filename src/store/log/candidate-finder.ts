import { HEAD_COLUMNS, type HeadRow, isSealed } from "./batch-row.ts";
import type { DamagedTable } from "./damaged-table.ts";
import type { LogDatabase } from "./log-database.ts";
import { isDamage } from "./log-errors.ts";
import type { LogTail } from "./log-tail.ts";

export interface Candidates {
  /** Ascending. Rows that are damaged are among them. */
  readonly positions: readonly number[];
  /** Every matching row before it is in `positions`. */
  readonly next: number;
}

/** Up to so many topic types are looked up one by one; for more, all rows are looked through. */
const MAX_LOOKUPS = 16;
/** Rows looked through in one call, so that reading little from a long log does not hold up the rest. */
const MAX_SCANNED = 4_096;

/** Finds where the batches of some topic types begin, also when an index or a page is damaged. */
export class CandidateFinder {
  readonly #database: LogDatabase;
  readonly #tail: LogTail;
  readonly #damaged: DamagedTable;

  constructor(database: LogDatabase, tail: LogTail, damaged: DamagedTable) {
    this.#database = database;
    this.#tail = tail;
    this.#damaged = damaged;
  }

  find(typeIds: ReadonlySet<number>, from: number, limit: number): Candidates {
    if (typeIds.size === 0) {
      return { positions: [], next: Math.max(from, this.#tail.next) };
    }
    if (typeIds.size <= MAX_LOOKUPS) {
      try {
        return this.#lookUp(typeIds, from, limit);
      } catch (error) {
        if (!isDamage(error)) {
          throw error;
        }
      }
    }
    return this.#scan(typeIds, from, limit);
  }

  /** Where the first row after a position begins that can be read, or the next position of the log. */
  following(position: number): number {
    try {
      return this.#firstFrom(position + 1);
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      return this.#firstReadable(position + 1);
    }
  }

  #lookUp(typeIds: ReadonlySet<number>, from: number, limit: number): Candidates {
    // An entry of a damaged index may stand under two types, so one row may be found twice.
    const found = new Set<number>();
    let next = Math.max(from, this.#tail.next);
    for (const typeId of typeIds) {
      const { positions, isWhole } = this.#ofType(typeId, from, limit);
      for (const position of positions) {
        found.add(position);
      }
      const last = positions.at(-1);
      if (!isWhole && last !== undefined) {
        next = Math.min(next, last + 1);
      }
    }
    const all = inOrder([...found]);
    const positions = all.slice(0, limit).filter((position) => position < next);
    const cut = all[positions.length];
    return { positions, next: cut === undefined ? next : Math.min(next, cut) };
  }

  #ofType(
    typeId: number,
    from: number,
    limit: number,
  ): { positions: readonly number[]; isWhole: boolean } {
    const rows = this.#database
      .query<HeadRow, [number, number, number]>(
        `SELECT ${HEAD_COLUMNS} FROM batches WHERE type_id = ? AND position >= ? ORDER BY position LIMIT ?`,
      )
      .all(typeId, from, limit);
    const positions: number[] = [];
    let before = from - 1;
    for (const row of rows) {
      positions.push(row.position);
      // An entry that a flipped bit has moved names a row of another type, and does not fit that row's seal.
      if (isSealed(row) && row.position > before) {
        this.#addLost(positions, row.previous, before);
        before = row.position;
      }
    }
    const isWhole = rows.length < limit;
    if (isWhole) {
      this.#addLost(positions, this.#tail.newestOf(typeId), before);
    }
    return { positions, isWhole };
  }

  /**
   * A batch names the one before of its type. When the index gave another, it has lost rows, or retention has removed
   * them: whatever is still there is found by its key.
   */
  #addLost(positions: number[], newest: number, before: number): void {
    let position = newest;
    while (position > before && !this.#damaged.has(position)) {
      const row = this.#database
        .query<{ previous: number }, [number]>("SELECT previous FROM batches WHERE position = ?")
        .get(position);
      if (row !== null || position >= this.#tail.removedUntil) {
        positions.push(position);
      }
      position = row !== null && row.previous < position ? row.previous : 0;
    }
  }

  #scan(typeIds: ReadonlySet<number>, from: number, limit: number): Candidates {
    const positions: number[] = [];
    let next = from;
    try {
      let scanned = 0;
      for (const row of this.#heads(from)) {
        scanned += 1;
        if (row.position > next) {
          this.#addGap(positions, next, row.position);
        }
        if (row.position < next || !isSealed(row)) {
          // A row that is damaged may belong to any of them.
          positions.push(row.position);
          next = Math.max(next, row.position + 1);
        } else {
          if (typeIds.has(row.type_id)) {
            positions.push(row.position);
          }
          next = row.position + row.count;
        }
        if (positions.length >= limit || scanned >= MAX_SCANNED) {
          return { positions: inOrder(positions), next };
        }
      }
      this.#addGap(positions, next, this.#tail.next);
      return { positions: inOrder(positions), next: Math.max(from, this.#tail.next) };
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      if (positions.length > 0) {
        return { positions: inOrder(positions), next };
      }
      // The page of the row at `next` cannot be read: it counts as one damaged row, up to the next that can.
      return { positions: [next], next: this.#firstReadable(next + 1) };
    }
  }

  /** Every position was given to a batch: where none is, one is lost, or was removed, or is set aside. */
  #addGap(positions: number[], from: number, until: number): void {
    const isKnown = this.#damaged.list(from, until, 1).length > 0;
    if (from < until && from >= this.#tail.removedUntil && !isKnown) {
      positions.push(from);
    }
  }

  #heads(from: number): Iterable<HeadRow> {
    return this.#database
      .query<HeadRow, [number]>(
        `SELECT ${HEAD_COLUMNS} FROM batches WHERE position >= ? ORDER BY position`,
      )
      .iterate(from);
  }

  #firstReadable(from: number): number {
    let step = 1;
    let unreadable = from - 1;
    for (;;) {
      const probe = Math.min(from + step - 1, this.#tail.next);
      if (this.#isReadable(probe)) {
        return this.#narrow(unreadable, probe);
      }
      if (probe >= this.#tail.next) {
        return this.#tail.next;
      }
      unreadable = probe;
      step *= 2;
    }
  }

  /** The first readable position above `unreadable`, when `readable` is one. */
  #narrow(unreadable: number, readable: number): number {
    let low = unreadable;
    let high = readable;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#isReadable(middle)) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return high;
  }

  #isReadable(position: number): boolean {
    try {
      this.#firstFrom(position);
      return true;
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      return false;
    }
  }

  #firstFrom(position: number): number {
    const row = this.#database
      .query<{ position: number }, [number]>(
        "SELECT position FROM batches WHERE position >= ? ORDER BY position LIMIT 1",
      )
      .get(position);
    return row?.position ?? this.#tail.next;
  }
}

function inOrder(positions: readonly number[]): readonly number[] {
  return Array.from(new Set(positions)).sort((a, b) => a - b);
}
