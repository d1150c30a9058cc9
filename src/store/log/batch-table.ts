import { AgentrtError } from "../../core/errors.ts";
import { type BatchRow, MAX_RECORDS_PER_BATCH, sealOfRow } from "./batch-row.ts";
import type { LogDatabase } from "./log-database.ts";
import type { LogTail } from "./log-tail.ts";
import type { Appended, LogBatch, StoredBatch } from "./message-log.ts";
import { checksumOf } from "./seal.ts";
import type { SeenBatches } from "./seen-batches.ts";
import type { Words } from "./words.ts";

/** What can be wrong with a row. */
export type Unreadable = { readonly reason: string };

/** The stored batches: added at the end, read by their position. Called inside transactions. */
export class BatchTable {
  readonly #database: LogDatabase;
  readonly #tail: LogTail;
  readonly #words: Words;
  readonly #seen: SeenBatches;
  /** Topic types by id, all that were ever stored. */
  readonly #types: Map<number, string>;

  constructor(database: LogDatabase, tail: LogTail, words: Words, seen: SeenBatches) {
    this.#database = database;
    this.#tail = tail;
    this.#words = words;
    this.#seen = seen;
    this.#types = words.topicTypes();
  }

  get types(): ReadonlyMap<number, string> {
    return this.#types;
  }

  /** @throws AgentrtError `INVALID_MESSAGE`, `INVALID_OPTION` */
  append(batch: LogBatch, nowMs: number): Appended {
    assertLegal(batch);
    const producerId = this.#words.producerId(batch.producer);
    const known = this.#seen.positionOf(producerId, batch);
    if (known !== undefined) {
      return { position: known, isDuplicate: true };
    }
    const position = this.insert(batch, nowMs);
    this.#seen.add(producerId, batch, position);
    return { position, isDuplicate: false };
  }

  /** Appends without asking whether it was stored before. */
  insert(batch: LogBatch, nowMs: number): number {
    const typeId = this.#words.typeId(batch.topicType);
    const head = {
      position: this.#tail.take(batch.count),
      type_id: typeId,
      route_id: this.#words.routeId(batch),
      producer_id: this.#words.producerId(batch.producer),
      sequence: batch.sequence,
      count: batch.count,
      previous: this.#tail.newestOf(typeId),
      stored_at: this.#tail.tick(nowMs),
      published_at: batch.publishedAtMs,
      expires_at: batch.expiresAtMs ?? null,
      encoding: batch.encoding,
      checksum: batch.checksum,
    };
    this.#database
      .query<unknown, (number | null | Uint8Array)[]>(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      )
      .run(
        head.position,
        head.type_id,
        head.route_id,
        head.producer_id,
        head.sequence,
        head.count,
        head.previous,
        head.stored_at,
        head.published_at,
        head.expires_at,
        head.encoding,
        head.checksum,
        sealOfRow(head),
        batch.records,
      );
    this.#types.set(typeId, batch.topicType);
    this.#tail.added(typeId, head.position, head.count, batch.records.byteLength);
    return head.position;
  }

  /** The batch of a row, or what is wrong with it. */
  decode(row: BatchRow): StoredBatch | Unreadable {
    if (row.seal !== sealOfRow(row)) {
      return { reason: "its head was changed since it was stored" };
    }
    if (row.checksum !== checksumOf(row.records)) {
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
