import type { LogDatabase } from "./log-database.ts";
import { isOfSystem } from "./log-errors.ts";
import type { DamagedRange } from "./message-log.ts";

interface DamagedRow {
  readonly first: number;
  readonly last: number;
  readonly topic_type: string | null;
  readonly reason: string;
  readonly found_at: number;
}

/** Found, and what is left of the records, if anything. */
export interface Finding extends DamagedRange {
  readonly records: Uint8Array | undefined;
}

/** What cannot be read back. It is skipped from then on, whether or not it could be moved out of the way. */
export class DamagedTable {
  readonly #database: LogDatabase;
  /** By first position. */
  readonly #ranges = new Map<number, DamagedRange>();
  /** Those of more than one batch: whole pages. */
  readonly #wide: DamagedRange[] = [];
  readonly #report: (range: DamagedRange) => void;

  constructor(database: LogDatabase, report: (range: DamagedRange) => void) {
    this.#database = database;
    this.#report = report;
    for (const row of database
      .query<DamagedRow, []>(
        "SELECT first, last, topic_type, reason, found_at FROM damaged ORDER BY first",
      )
      .all()) {
      this.#remember({
        first: row.first,
        last: row.last,
        topicType: row.topic_type ?? undefined,
        reason: row.reason,
        foundAtMs: row.found_at,
      });
    }
  }

  get size(): number {
    return this.#ranges.size;
  }

  /** True when the batch that begins there is damaged. */
  has(position: number): boolean {
    return (
      this.#ranges.has(position) ||
      this.#wide.some(({ first, last }) => first <= position && position <= last)
    );
  }

  /** Those that hold a position from `from` to before `until`, by position. */
  list(from: number, until: number, limit = Number.POSITIVE_INFINITY): DamagedRange[] {
    return Array.from(this.#ranges.values())
      .filter(({ first, last }) => last >= from && first < until)
      .sort((a, b) => a.first - b.first)
      .slice(0, limit);
  }

  #remember(range: DamagedRange): void {
    this.#ranges.set(range.first, range);
    if (range.topicType === undefined && range.last > range.first) {
      this.#wide.push(range);
    }
  }

  /**
   * Outside of a transaction. `remove` takes it out of the way, in the transaction that keeps what is left of it.
   * @returns false when that does not work: then it stays where it is, and is skipped
   */
  setAside({ records, ...range }: Finding, remove: () => void): boolean {
    const { first, last, topicType, reason, foundAtMs } = range;
    this.#remember(range);
    this.#report(range);
    const insert = this.#database.query<
      unknown,
      [number, number, string | null, string, number, Uint8Array | null]
    >("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?, ?, ?, ?)");
    const keep = (): void => {
      insert.run(first, last, topicType ?? null, reason, foundAtMs, records ?? null);
    };
    // When the pages round it are damaged too, or the disk takes no writes, it is skipped all the same; what could
    // not be kept is found again after the next start.
    const isDone = (steps: () => void): boolean => {
      try {
        this.#database.transaction(steps);
        return true;
      } catch (error) {
        if (isOfSystem(error)) {
          return false;
        }
        throw error;
      }
    };
    const isRemoved = isDone(() => {
      keep();
      remove();
    });
    if (!isRemoved) {
      isDone(keep);
    }
    return isRemoved;
  }
}
