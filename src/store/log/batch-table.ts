import { AgentrtError } from "../../core/errors.ts";
import {
  type BatchRow,
  type BatchValues,
  MAX_RECORDS_PER_BATCH,
  sealOfRow,
  valuesOf,
} from "./batch-row.ts";
import type { LogDatabase } from "./log-database.ts";
import type { LogTail } from "./log-tail.ts";
import { type LogBatch, type StoredBatch, WAITING } from "./message-log.ts";
import { checksumOf } from "./seal.ts";
import type { Words } from "./words.ts";

/** What can be wrong with a row. */
export type Unreadable = { readonly reason: string };

/** The stored batches: added at the end, read by their position. Called inside transactions. */
export class BatchTable {
  readonly #database: LogDatabase;
  readonly #tail: LogTail;
  readonly #words: Words;
  /** Topic types by id, all that were ever stored. */
  readonly #types: Map<number, string>;

  constructor(database: LogDatabase, tail: LogTail, words: Words) {
    this.#database = database;
    this.#tail = tail;
    this.#words = words;
    this.#types = words.topicTypes();
  }

  get types(): ReadonlyMap<number, string> {
    return this.#types;
  }

  /** Appends, whether or not it was stored before. */
  insert(batch: LogBatch, nowMs: number): number {
    const position = this.#tail.take(batch.count);
    const row = this.rowOf(batch, position, this.#tail.tick(nowMs));
    this.#database
      .query<unknown, BatchValues>(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(...valuesOf(row));
    this.#types.set(row.type_id, batch.topicType);
    this.#tail.added(row.type_id, position, batch.count, batch.records.byteLength);
    return position;
  }

  /** A batch as a row of any table that holds batches. */
  rowOf(batch: LogBatch, position: number, storedAtMs: number): BatchRow {
    const typeId = this.#words.typeId(batch.topicType);
    const head = {
      position,
      type_id: typeId,
      route_id: this.#words.routeId(batch),
      producer_id: this.#words.producerId(batch.producer),
      sequence: batch.sequence,
      count: batch.count,
      previous: position === WAITING ? 0 : this.#tail.newestOf(typeId),
      stored_at: storedAtMs,
      published_at: batch.publishedAtMs,
      expires_at: batch.expiresAtMs ?? null,
      encoding: batch.encoding,
      checksum: batch.checksum,
    };
    return { ...head, seal: sealOfRow(head), records: batch.records };
  }

  /** The batch of a row, or what is wrong with it. */
  decode(row: BatchRow): StoredBatch | Unreadable {
    if (row.seal !== sealOfRow(row)) {
      return { reason: "its head was changed since it was stored" };
    }
    // A flipped bit may make anything of a column.
    if (!(row.records instanceof Uint8Array) || row.checksum !== checksumOf(row.records)) {
      return { reason: "its records were changed since they were stored" };
    }
    const route = this.#words.route(row.route_id);
    const producer = this.#words.producer(row.producer_id);
    if (route === undefined || producer === undefined) {
      return { reason: "what says its topic or producer was changed since it was stored" };
    }
    return {
      position: row.position,
      storedAtMs: row.stored_at,
      topicType: route.topicType,
      topicSource: route.topicSource,
      route: route.route,
      count: row.count,
      records: row.records,
      checksum: row.checksum,
      encoding: row.encoding,
      producer,
      sequence: row.sequence,
      publishedAtMs: row.published_at,
      expiresAtMs: row.expires_at ?? undefined,
      deliverAtMs: undefined,
    };
  }

  /** After a transaction that failed: types that it added are forgotten. */
  forget(): void {
    this.#types.clear();
    for (const [id, type] of this.#words.topicTypes()) {
      this.#types.set(id, type);
    }
  }
}

export function assertLegal(batch: LogBatch): void {
  const { count, sequence, records, checksum, producer, publishedAtMs, expiresAtMs, deliverAtMs } =
    batch;
  const isLegal =
    Number.isSafeInteger(count) &&
    count >= 1 &&
    count <= MAX_RECORDS_PER_BATCH &&
    Number.isSafeInteger(sequence) &&
    Number.isSafeInteger(sequence + count) &&
    Number.isSafeInteger(batch.encoding) &&
    Number.isSafeInteger(publishedAtMs) &&
    Number.isSafeInteger(expiresAtMs ?? 0) &&
    Number.isSafeInteger(deliverAtMs ?? 0) &&
    producer !== "" &&
    batch.topicType !== "";
  if (!isLegal) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `A batch of ${producer} cannot be stored: ${count} records from ${sequence}. Its numbers must be whole, its topic and producer named, its count 1 to ${MAX_RECORDS_PER_BATCH}.`,
    );
  }
  if (checksumOf(records) !== checksum) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `The records of a batch (producer ${producer}, sequence ${sequence}) do not fit its checksum, so they were changed on their way. Send it again.`,
      { data: { producer, sequence } },
    );
  }
}
