import { AgentrtError } from "../../core/errors.ts";
import type { LogDatabase } from "./log-database.ts";
import type { LogTail } from "./log-tail.ts";
import type { LogBatch } from "./message-log.ts";

interface SeenRow {
  readonly sequence: number;
  readonly count: number;
  readonly position: number;
}

interface Producer {
  /** No sequence above was ever stored. Too high after a transaction that failed, which costs a look only. */
  highest: number;
  /** By sequence: what is not in the table yet. */
  recent: SeenRow[];
  /** True when more of it may be in the table than the window has. */
  isUntrimmed: boolean;
  usedAtMs: number;
}

/** Batches after which the recent ones are written to the table, so that opening the file need not read more. */
const WRITE_EVERY = 4_096;
/** Producers kept in memory; of the others it is read again. */
const MAX_PRODUCERS = 10_000;

/**
 * Which batches of which producers were stored: the window in which one that comes again is noticed.
 *
 * The newest are in memory, and after a restart are found in the log itself. Written one by one to their table, where
 * those of one producer stand together, they would cost a page of the disk for each producer in each transaction.
 */
export class SeenBatches {
  readonly #database: LogDatabase;
  readonly #tail: LogTail;
  readonly #perProducer: number;
  readonly #producers = new Map<number, Producer>();
  #recentCount = 0;
  #staged: { readonly producer: Producer; readonly row: SeenRow }[] = [];
  #isWritten = false;

  constructor(database: LogDatabase, tail: LogTail, perProducer: number) {
    this.#database = database;
    this.#tail = tail;
    this.#perProducer = perProducer;
    this.#load();
  }

  /**
   * Where the same batch was stored, or undefined.
   * @throws AgentrtError `INVALID_MESSAGE` when a part of it was stored in another batch
   */
  positionOf(producerId: number, { producer, sequence, count }: LogBatch): number | undefined {
    const { highest, recent } = this.#producer(producerId);
    if (sequence > highest) {
      return undefined;
    }
    const before = [
      lastBefore(recent, sequence + count),
      this.#stored(producerId, sequence + count),
    ]
      .filter((row) => row !== undefined)
      .sort((a, b) => b.sequence - a.sequence)[0];
    if (before === undefined || before.sequence + before.count <= sequence) {
      return undefined;
    }
    if (before.sequence === sequence && before.count === count) {
      return before.position;
    }
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `Records ${sequence} to ${sequence + count - 1} of producer ${producer} overlap with a stored batch of ${before.count} from ${before.sequence}. Send a batch again as it was, or number records anew.`,
      { data: { producer, sequence } },
    );
  }

  /** A batch that is in the log by the same transaction. */
  add(producerId: number, { sequence, count }: LogBatch, position: number, nowMs: number): void {
    const producer = this.#producer(producerId);
    producer.usedAtMs = nowMs;
    const row = { sequence, count, position };
    this.#remember(producer, row);
    this.#staged.push({ producer, row });
  }

  /** A batch that waits for its time, and is in the log later: written at once. */
  addWaiting(
    producerId: number,
    { sequence, count }: LogBatch,
    position: number,
    nowMs: number,
  ): void {
    const producer = this.#producer(producerId);
    producer.usedAtMs = nowMs;
    producer.highest = Math.max(producer.highest, sequence + count - 1);
    producer.isUntrimmed = true;
    // Not recent, but to be trimmed when as many came.
    this.#recentCount += 1;
    this.#put(producerId, { sequence, count, position });
    this.#use(producerId, nowMs);
  }

  /** A batch that waited came into the log. */
  move(producerId: number, sequence: number, position: number): void {
    this.#database
      .query<unknown, [number, number, number]>(
        "UPDATE seen SET position = ? WHERE producer_id = ? AND sequence = ?",
      )
      .run(position, producerId, sequence);
  }

  settle(): void {
    this.#staged = [];
    if (this.#isWritten) {
      this.#isWritten = false;
      this.#recentCount = 0;
      for (const producer of this.#producers.values()) {
        producer.recent = [];
        producer.isUntrimmed = false;
      }
      if (this.#producers.size >= MAX_PRODUCERS) {
        this.#producers.clear();
      }
    }
  }

  revert(): void {
    this.#isWritten = false;
    const undone = new Set(this.#staged.map(({ row }) => row));
    for (const producer of new Set(this.#staged.map((staged) => staged.producer))) {
      producer.recent = producer.recent.filter((row) => !undone.has(row));
    }
    this.#recentCount -= undone.size;
    this.#staged = [];
  }

  /** Inside a transaction, when enough came. */
  writeWhenDue(): void {
    if (this.#recentCount >= WRITE_EVERY) {
      this.write();
    }
  }

  /** Inside a transaction, before batches are removed from the log. */
  write(): void {
    for (const [producerId, { recent, isUntrimmed, usedAtMs }] of this.#producers) {
      for (const row of recent) {
        this.#put(producerId, row);
      }
      if (recent.length > 0) {
        this.#use(producerId, usedAtMs);
      }
      if (recent.length > 0 || isUntrimmed) {
        this.#trim(producerId);
      }
    }
    this.#database
      .query<unknown, [number]>("INSERT OR REPLACE INTO facts VALUES ('seen_until', ?)")
      .run(this.#tail.next);
    this.#isWritten = true;
  }

  /** Inside a transaction: forgets producers that stored nothing for so long. */
  forgetSilent(nowMs: number, maxAgeMs: number): void {
    if (this.#recentCount > 0) {
      this.write();
    }
    const silent = this.#database
      .query<{ producer_id: number }, [number]>(
        "SELECT producer_id FROM producer_uses WHERE last_at < ?",
      )
      .all(nowMs - maxAgeMs);
    for (const { producer_id } of silent) {
      for (const table of ["seen", "producer_uses"]) {
        this.#database
          .query<unknown, [number]>(`DELETE FROM ${table} WHERE producer_id = ?`)
          .run(producer_id);
      }
      const producer = this.#producers.get(producer_id);
      if (producer !== undefined) {
        this.#recentCount -= producer.recent.length;
        this.#producers.delete(producer_id);
      }
    }
  }

  #remember(producer: Producer, row: SeenRow): void {
    const { recent } = producer;
    let at = recent.length;
    while (at > 0 && (recent[at - 1]?.sequence ?? 0) > row.sequence) {
      at -= 1;
    }
    recent.splice(at, 0, row);
    producer.highest = Math.max(producer.highest, row.sequence + row.count - 1);
    this.#recentCount += 1;
  }

  #put(producerId: number, { sequence, count, position }: SeenRow): void {
    this.#database
      .query<unknown, [number, number, number, number]>(
        "INSERT OR REPLACE INTO seen (producer_id, sequence, count, position) VALUES (?, ?, ?, ?)",
      )
      .run(producerId, sequence, count, position);
  }

  /** What was read when the file was opened may be older than what waited and was written at once. */
  #use(producerId: number, nowMs: number): void {
    this.#database
      .query<unknown, [number, number]>(
        `INSERT INTO producer_uses (producer_id, last_at) VALUES (?, ?)
         ON CONFLICT (producer_id) DO UPDATE SET last_at = max(last_at, excluded.last_at)`,
      )
      .run(producerId, nowMs);
  }

  #trim(producerId: number): void {
    this.#database
      .query<unknown, [number, number]>(
        `DELETE FROM seen WHERE producer_id = ?1 AND sequence <=
           (SELECT sequence FROM seen WHERE producer_id = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)`,
      )
      .run(producerId, this.#perProducer);
  }

  /** The last one in the table that begins before a sequence. */
  #stored(producerId: number, sequence: number): SeenRow | undefined {
    const row = this.#database
      .query<SeenRow, [number, number]>(
        "SELECT sequence, count, position FROM seen WHERE producer_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1",
      )
      .get(producerId, sequence);
    return row ?? undefined;
  }

  #producer(producerId: number): Producer {
    const known = this.#producers.get(producerId);
    if (known !== undefined) {
      return known;
    }
    const last = this.#stored(producerId, Number.MAX_SAFE_INTEGER);
    const highest = last === undefined ? Number.MIN_SAFE_INTEGER : last.sequence + last.count - 1;
    const producer = { highest, recent: [], isUntrimmed: false, usedAtMs: 0 };
    this.#producers.set(producerId, producer);
    return producer;
  }

  /** The clock of whoever uses the log is not known yet, so a producer was heard of when its batch was stored. */
  #load(): void {
    const rows = this.#database.query<SeenRow & { producer_id: number; stored_at: number }, []>(
      `SELECT producer_id, sequence, count, position, stored_at FROM batches NOT INDEXED
       WHERE position >= (SELECT value FROM facts WHERE name = 'seen_until') ORDER BY position`,
    );
    for (const { producer_id, sequence, count, position, stored_at } of rows.all()) {
      const producer = this.#producer(producer_id);
      producer.usedAtMs = stored_at;
      this.#remember(producer, { sequence, count, position });
    }
  }
}

/** The last one that begins before a sequence. */
function lastBefore(rows: readonly SeenRow[], sequence: number): SeenRow | undefined {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.sequence ?? Number.POSITIVE_INFINITY) < sequence) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return rows[low - 1];
}
