import { AgentrtError } from "../../core/errors.ts";
import type { LogDatabase } from "./log-database.ts";
import type { LogBatch } from "./message-log.ts";

interface SeenRow {
  readonly sequence: number;
  readonly count: number;
  readonly position: number;
}

interface Producer {
  /** No sequence above was ever stored. Too high after a transaction that failed, which costs a look only. */
  highest: number;
  addedSinceTrim: number;
}

/** Producers kept in memory; of the others it is read again. */
const MAX_PRODUCERS = 10_000;
/** A producer's rows are trimmed when so many came, as a part of the window. */
const TRIM_PARTS = 8;

/** Which batches of which producers were stored: the window in which one that comes again is noticed. */
export class SeenBatches {
  readonly #database: LogDatabase;
  readonly #perProducer: number;
  readonly #producers = new Map<number, Producer>();
  /** Since {@link forgetSilent} was called last: when. */
  readonly #used = new Map<number, number>();

  constructor(database: LogDatabase, perProducer: number) {
    this.#database = database;
    this.#perProducer = perProducer;
  }

  /**
   * Where the same batch was stored, or undefined.
   * @throws AgentrtError `INVALID_MESSAGE` when a part of it was stored in another batch
   */
  positionOf(producerId: number, { producer, sequence, count }: LogBatch): number | undefined {
    if (sequence > this.#producer(producerId).highest) {
      return undefined;
    }
    const before = this.#database
      .query<SeenRow, [number, number]>(
        "SELECT sequence, count, position FROM seen WHERE producer_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1",
      )
      .get(producerId, sequence + count);
    if (before === null || before.sequence + before.count <= sequence) {
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

  add(producerId: number, { sequence, count }: LogBatch, position: number, nowMs: number): void {
    const producer = this.#producer(producerId);
    if (producer.highest === Number.MIN_SAFE_INTEGER) {
      this.#use(producerId, nowMs);
    }
    this.#database
      .query<unknown, [number, number, number, number]>(
        "INSERT INTO seen (producer_id, sequence, count, position) VALUES (?, ?, ?, ?)",
      )
      .run(producerId, sequence, count, position);
    this.#used.set(producerId, nowMs);
    producer.highest = Math.max(producer.highest, sequence + count - 1);
    producer.addedSinceTrim += 1;
    if (producer.addedSinceTrim * TRIM_PARTS >= this.#perProducer) {
      producer.addedSinceTrim = 0;
      this.#trim(producerId);
    }
  }

  /** A batch that waited came into the log. */
  move(producerId: number, sequence: number, position: number): void {
    this.#database
      .query<unknown, [number, number, number]>(
        "UPDATE seen SET position = ? WHERE producer_id = ? AND sequence = ?",
      )
      .run(position, producerId, sequence);
  }

  /** Inside a transaction: forgets producers that stored nothing for so long. */
  forgetSilent(nowMs: number, maxAgeMs: number): void {
    for (const [producerId, usedAtMs] of this.#used) {
      this.#use(producerId, usedAtMs);
    }
    this.#used.clear();
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
      this.#producers.delete(producer_id);
    }
  }

  #use(producerId: number, nowMs: number): void {
    this.#database
      .query<unknown, [number, number]>(
        "INSERT OR REPLACE INTO producer_uses (producer_id, last_at) VALUES (?, ?)",
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

  #producer(producerId: number): Producer {
    const known = this.#producers.get(producerId);
    if (known !== undefined) {
      return known;
    }
    const row = this.#database
      .query<SeenRow, [number]>(
        "SELECT sequence, count, position FROM seen WHERE producer_id = ? ORDER BY sequence DESC LIMIT 1",
      )
      .get(producerId);
    const producer = {
      highest: row === null ? Number.MIN_SAFE_INTEGER : row.sequence + row.count - 1,
      addedSinceTrim: 0,
    };
    if (this.#producers.size >= MAX_PRODUCERS) {
      this.#producers.clear();
    }
    this.#producers.set(producerId, producer);
    return producer;
  }
}
