import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { RecordExtrasSchema } from "../gen/agentrt/v1/link_pb.ts";
import { VarintReader, varintLength, writeVarint } from "./varint.ts";

/** What one record has for itself, beside its payload and the route. */
export interface Extras {
  /** Empty: the record goes by its number. */
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function encodeExtras(extras: Extras): Uint8Array {
  return toBinary(RecordExtrasSchema, create(RecordExtrasSchema, extras));
}

/** @throws AgentrtError `BAD_FRAME` */
export function decodeExtras(bytes: Uint8Array): Extras {
  try {
    const { id, headers } = fromBinary(RecordExtrasSchema, bytes);
    return { id, headers };
  } catch (error) {
    throw badRecords(`their extras are not RecordExtras: ${messageOf(error)}`);
  }
}

/** Bytes that a record takes in its batch. */
export function recordLength(payloadLength: number, extrasLength: number): number {
  const head = varintLength(payloadLength * 2 + 1) + payloadLength;
  return extrasLength === 0 ? head : head + varintLength(extrasLength) + extrasLength;
}

/** Writes a record. Returns the index behind it. */
export function writeRecord(
  into: Uint8Array,
  at: number,
  payload: Uint8Array,
  extras: Uint8Array | undefined,
): number {
  const { byteLength } = payload;
  let index = writeVarint(into, at, byteLength * 2 + (extras === undefined ? 0 : 1));
  if (extras !== undefined) {
    index = writeVarint(into, index, extras.byteLength);
    into.set(extras, index);
    index += extras.byteLength;
  }
  into.set(payload, index);
  return index + byteLength;
}

/**
 * Calls `visit` for each record, with views into `records`.
 * @throws AgentrtError `BAD_FRAME` when the records are not `count` whole ones; those before it were visited
 */
export function readRecords(
  records: Uint8Array,
  count: number,
  visit: (payload: Uint8Array, extras: Uint8Array | undefined, index: number) => void,
): void {
  const reader = new VarintReader(records, 0, records.byteLength);
  for (let index = 0; index < count; index += 1) {
    const head = reader.next();
    let extras: Uint8Array | undefined;
    if ((head & 1) === 1) {
      const length = reader.next();
      const start = reader.at;
      const end = reader.skip(length);
      extras = end < 0 ? undefined : records.subarray(start, end);
    }
    const start = reader.at;
    const end = reader.skip(head >>> 1);
    if (reader.isBroken) {
      throw badRecords(`record ${index} of ${count} is not whole`);
    }
    visit(records.subarray(start, end), extras, index);
  }
  if (reader.hasMore) {
    throw badRecords(`${reader.end - reader.at} bytes are left behind the ${count} records`);
  }
}

function badRecords(reason: string): AgentrtError {
  return new AgentrtError("BAD_FRAME", `The records of a batch cannot be read: ${reason}.`);
}
