import { matchesAnyPattern, type TopicPattern } from "../../core/topic-pattern.ts";
import type { BatchRow } from "./batch-row.ts";
import type { BatchTable } from "./batch-table.ts";
import type { CandidateFinder } from "./candidate-finder.ts";
import type { DamagedTable } from "./damaged-table.ts";
import type { LogDatabase } from "./log-database.ts";
import { isDamage } from "./log-errors.ts";
import type { LogTail } from "./log-tail.ts";
import type { LogRead, ReadRequest, StoredBatch } from "./message-log.ts";

interface LogReaderParts {
  readonly database: LogDatabase;
  readonly batches: BatchTable;
  readonly tail: LogTail;
  readonly damaged: DamagedTable;
  readonly finder: CandidateFinder;
  readonly now: () => number;
}

/** Reads the log past what is damaged in it. */
export class LogReader {
  readonly #database: LogDatabase;
  readonly #batches: BatchTable;
  readonly #tail: LogTail;
  readonly #damaged: DamagedTable;
  readonly #finder: CandidateFinder;
  readonly #now: () => number;

  constructor({ database, batches, tail, damaged, finder, now }: LogReaderParts) {
    this.#database = database;
    this.#batches = batches;
    this.#tail = tail;
    this.#damaged = damaged;
    this.#finder = finder;
    this.#now = now;
  }

  read({ patterns, from, maxBatches, maxBytes }: ReadRequest): LogRead {
    const start = Math.max(1, from);
    const typeIds = this.#matching(patterns);
    const found = this.#finder.find(typeIds, this.#beginningOf(start), maxBatches);
    const batches: StoredBatch[] = [];
    let bytes = 0;
    let next = found.next;
    for (const position of found.positions) {
      const batch = this.get(position);
      if (batch === undefined || batch.position + batch.count <= start) {
        continue;
      }
      if (!matchesAnyPattern(patterns, batch.topicType)) {
        continue;
      }
      if (batches.length > 0 && bytes + batch.records.byteLength > maxBytes) {
        next = position;
        break;
      }
      bytes += batch.records.byteLength;
      batches.push(batch);
    }
    return {
      batches,
      next,
      isAtEnd: next >= this.#tail.next,
      removedUntil: this.#removedBetween(start, next, typeIds),
      damaged: this.#damaged.list(start, next),
    };
  }

  /** The batch that begins there; undefined, and set aside, when it cannot be read. */
  get(position: number): StoredBatch | undefined {
    if (this.#damaged.has(position)) {
      return undefined;
    }
    let row: BatchRow | null;
    try {
      row = this.#database
        .query<BatchRow, [number]>("SELECT * FROM batches WHERE position = ?")
        .get(position);
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      this.#setAside(position, undefined, "its page of the file is damaged");
      return undefined;
    }
    if (row === null) {
      this.#setAside(position, undefined, "it is named by an index but is not there");
      return undefined;
    }
    const batch = this.#batches.decode(row);
    if ("reason" in batch) {
      this.#setAside(position, row, batch.reason);
      return undefined;
    }
    return batch;
  }

  /** The first position that was stored at this time or later. */
  positionAt(timeMs: number): number {
    const probe = this.#database.query<{ position: number; stored_at: number }, [number]>(
      "SELECT position, stored_at FROM batches WHERE position >= ? ORDER BY position LIMIT 1",
    );
    let low = 1;
    let high = this.#tail.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = probe.get(middle);
      if (row === null || row.stored_at >= timeMs) {
        high = middle;
      } else {
        low = row.position + 1;
      }
    }
    return probe.get(low)?.position ?? this.#tail.next;
  }

  #removedBetween(start: number, next: number, typeIds: ReadonlySet<number>): number {
    let until = 0;
    for (const id of typeIds) {
      until = Math.max(until, this.#tail.removedUntilOf(id));
    }
    return until > start ? Math.min(until, next) : 0;
  }

  #matching(patterns: readonly TopicPattern[]): ReadonlySet<number> {
    const ids = new Set<number>();
    for (const [id, type] of this.#batches.types) {
      if (matchesAnyPattern(patterns, type)) {
        ids.add(id);
      }
    }
    return ids;
  }

  /** Of the batch that holds a position, or the position itself. */
  #beginningOf(position: number): number {
    try {
      const row = this.#database
        .query<{ position: number; count: number }, [number]>(
          "SELECT position, count FROM batches WHERE position <= ? ORDER BY position DESC LIMIT 1",
        )
        .get(position);
      return row !== null && row.position + row.count > position ? row.position : position;
    } catch (error) {
      if (!isDamage(error)) {
        throw error;
      }
      return position;
    }
  }

  #setAside(position: number, row: BatchRow | undefined, reason: string): void {
    const isRemoved = this.#damaged.setAside(
      {
        first: position,
        last: Math.max(position, this.#finder.following(position) - 1),
        topicType: row === undefined ? undefined : this.#batches.types.get(row.type_id),
        reason,
        foundAtMs: this.#now(),
        records: row?.records instanceof Uint8Array ? row.records : undefined,
      },
      () => {
        this.#database
          .query<unknown, [number]>("DELETE FROM batches WHERE position = ?")
          .run(position);
        if (row !== undefined) {
          this.#tail.removed(row.type_id, 1, row.count, row.records?.byteLength ?? 0);
          this.#tail.write();
        }
      },
    );
    if (isRemoved) {
      this.#tail.settle();
    } else {
      this.#tail.revert();
    }
  }
}
