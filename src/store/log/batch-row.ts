import { sealOf } from "./seal.ts";

/** A batch that claims more is refused, which also bounds what a damaged row can claim. */
export const MAX_RECORDS_PER_BATCH = 1_000_000;

/** A row of `batches` without its records. */
export interface HeadRow {
  readonly position: number;
  readonly type_id: number;
  readonly route_id: number;
  readonly producer_id: number;
  readonly sequence: number;
  readonly count: number;
  /** Position of the batch before of the same topic type, or 0. */
  readonly previous: number;
  readonly stored_at: number;
  readonly published_at: number;
  readonly expires_at: number | null;
  readonly encoding: number;
  readonly checksum: number;
  readonly seal: number;
}

export interface BatchRow extends HeadRow {
  readonly records: Uint8Array;
}

export const HEAD_COLUMNS =
  "position, type_id, route_id, producer_id, sequence, count, previous, stored_at, published_at, expires_at, encoding, checksum, seal";

export function sealOfRow(row: Omit<HeadRow, "seal">): number {
  return sealOf(
    row.position,
    row.type_id,
    row.route_id,
    row.producer_id,
    row.sequence,
    row.count,
    row.previous,
    row.stored_at,
    row.published_at,
    row.expires_at,
    row.encoding,
    row.checksum,
  );
}

export function isSealed(row: HeadRow): boolean {
  return row.seal === sealOfRow(row);
}

/** The order of the columns in every table that holds batches. */
export const BATCH_COLUMNS = `${HEAD_COLUMNS}, records`;

export type BatchValues = (number | null | Uint8Array)[];

export function valuesOf(row: BatchRow): BatchValues {
  return [
    row.position,
    row.type_id,
    row.route_id,
    row.producer_id,
    row.sequence,
    row.count,
    row.previous,
    row.stored_at,
    row.published_at,
    row.expires_at,
    row.encoding,
    row.checksum,
    row.seal,
    row.records,
  ];
}
