import { crc32 } from "node:zlib";
import { AgentrtError } from "../core/errors.ts";
import { recordId } from "../core/event-batch.ts";
import type { DeadRecordWithBatch } from "../store/log/dead-records.ts";
import type { LogBatch, StoredBatch } from "../store/log/message-log.ts";
import {
  decodeExtras,
  encodeExtras,
  readRecords,
  recordLength,
  writeRecord,
} from "../wire/link/records.ts";
import { decodeStoredRoute, encodeStoredRoute } from "../wire/link/stored-route.ts";
import { REPLAYER } from "./durable/only-for.ts";

const PLAIN = 0;

/**
 * The one record of a batch, as a batch of its own.
 * It names its id, which was the number that its publisher gave it, and which it shall keep.
 * @throws AgentrtError `NOT_SUPPORTED` when the records are packed, `NOT_STORED` when it is not among them
 */
export function recordAlone(batch: StoredBatch, index: number): StoredBatch {
  if (batch.encoding !== PLAIN) {
    throw new AgentrtError(
      "NOT_SUPPORTED",
      `The records at position ${batch.position} are packed in a way that this version does not know (${batch.encoding}).`,
    );
  }
  let records: Uint8Array | undefined;
  readRecords(batch.records, batch.count, (payload, extras, at) => {
    if (at === index) {
      const own = extras === undefined ? { id: "", headers: {} } : decodeExtras(extras);
      const id = own.id === "" ? recordId(batch.producer, batch.sequence + index) : own.id;
      const named = encodeExtras({ ...own, id });
      records = new Uint8Array(recordLength(payload.byteLength, named.byteLength));
      writeRecord(records, 0, payload, named);
    }
  });
  if (records === undefined) {
    throw new AgentrtError(
      "NOT_STORED",
      `The batch at position ${batch.position} has no record ${index}.`,
    );
  }
  return {
    ...batch,
    position: batch.position + index,
    sequence: batch.sequence + index,
    count: 1,
    records,
    checksum: crc32(records),
  };
}

/**
 * What to append so that a dead record is delivered again: at once, however old it is, and only to the subscription
 * that gave it up, because the others have had it. @throws AgentrtError as {@link recordAlone}; `STORE_DAMAGED`
 */
export function replayOf(
  { dead, index }: DeadRecordWithBatch,
  batch: StoredBatch,
  nowMs: number,
): LogBatch {
  return {
    ...recordAlone(batch, index),
    route: encodeStoredRoute({ ...decodeStoredRoute(batch), receivers: [dead.cursor] }),
    producer: REPLAYER,
    sequence: dead.id,
    publishedAtMs: nowMs,
    expiresAtMs: undefined,
    deliverAtMs: undefined,
  };
}
