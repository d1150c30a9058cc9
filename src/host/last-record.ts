import { ENVELOPE_OVERHEAD_BYTES } from "../core/envelope.ts";
import type { InboundBatch } from "./link/inbound-batch.ts";
import type { OutboundFrame } from "./outbox.ts";

/**
 * The frame with the last record of a batch only; all records of a batch have one key, which is part of
 * their route. Undefined for what has no other records, or none that can be read.
 */
export function frameOfLastRecord(frame: OutboundFrame): OutboundFrame | undefined {
  const { envelope, out } = frame;
  if (envelope.kind !== "batch" || envelope.count === 1) {
    return undefined;
  }
  const last = envelope.lastRecord;
  if (last === undefined) {
    return undefined;
  }
  const { bytes } =
    out === undefined || isWhole(envelope, out) ? last.whole : last.bytesFor(out.receivers);
  return { ...frame, envelope: last, bytes, size: ENVELOPE_OVERHEAD_BYTES + bytes.byteLength };
}

function isWhole(batch: InboundBatch, out: NonNullable<OutboundFrame["out"]>): boolean {
  return batch.whole.out === out;
}
