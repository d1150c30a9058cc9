import { crc32 } from "node:zlib";
import { recordLength, writeRecord } from "./records.ts";
import { writeUInt32 } from "./uint32.ts";
import { varintLength, writeVarint } from "./varint.ts";

/** Tags of proto/agentrt/v1/link.proto: field number and wire type. */
export const TAG = {
  /** OpenRequest.frames, OpenResponse.frames */
  frame: 0x0a,
  /** Frame.batch */
  batch: 0x22,
  /** Frame.message */
  message: 0x2a,
  route: 0x0d,
  sequence: 0x11,
  position: 0x19,
  count: 0x25,
  checksum: 0x2d,
  encoding: 0x30,
  records: 0x3a,
  inflatedBytes: 0x45,
} as const;

/** Room before the records for everything that comes before them: at the most 60 bytes. */
const HEAD_BYTES = 64;
const FIRST_CAPACITY = 512;
const TWO_TO_32 = 0x1_0000_0000;

/** A batch that is being filled. Once closed it is never used again. */
export class OpenBatch {
  #bytes: Buffer;
  #end = HEAD_BYTES;
  #count = 0;

  /** @param expectedBytes how much an earlier batch of the route held, so that the buffer need not grow */
  constructor(expectedBytes = FIRST_CAPACITY) {
    this.#bytes = Buffer.allocUnsafe(HEAD_BYTES + expectedBytes);
  }

  get count(): number {
    return this.#count;
  }

  /** Of the records so far. */
  get byteLength(): number {
    return this.#end - HEAD_BYTES;
  }

  /** The records so far; a view that later appends may leave behind. */
  get records(): Uint8Array {
    return this.#bytes.subarray(HEAD_BYTES, this.#end);
  }

  /** Returns by how many bytes the batch grew. */
  append(payload: Uint8Array, extras: Uint8Array | undefined): number {
    const before = this.#end;
    const needed = this.#end + recordLength(payload.byteLength, extras?.byteLength ?? 0);
    if (needed > this.#bytes.byteLength) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.byteLength * 4));
      this.#bytes.copy(larger, HEAD_BYTES, HEAD_BYTES, this.#end);
      this.#bytes = larger;
    }
    this.#end = writeRecord(this.#bytes, this.#end, payload, extras);
    this.#count += 1;
    return this.#end - before;
  }

  /** The batch as a packet with one frame. */
  close(route: number, sequence: number): Uint8Array {
    const records = this.#bytes.subarray(HEAD_BYTES, this.#end);
    const head = encodeHead({
      route,
      sequence,
      position: 0,
      count: this.#count,
      checksum: crc32(records),
      recordsLength: records.byteLength,
    });
    const start = HEAD_BYTES - head.byteLength;
    this.#bytes.set(head, start);
    return this.#bytes.subarray(start, this.#end);
  }

  /** The same with its records compressed. */
  closePacked(route: number, sequence: number, packing: Packing, packed: Uint8Array): Uint8Array {
    const head = { route, sequence, position: 0, count: this.#count, checksum: crc32(packed) };
    return encodeBatchFrame({ ...head, packing }, packed);
  }
}

export interface BatchHead {
  readonly route: number;
  readonly sequence: number;
  readonly position: number;
  readonly count: number;
  readonly checksum: number;
  readonly recordsLength: number;
  /** Of compressed records. */
  readonly packing?: Packing;
}

/** How records are compressed. */
export interface Packing {
  readonly encoding: number;
  /** Bytes of the records without it. */
  readonly inflatedBytes: number;
}

/** A packet with one batch frame. */
export function encodeBatchFrame(
  head: Omit<BatchHead, "recordsLength">,
  records: Uint8Array,
): Uint8Array {
  const before = encodeHead({ ...head, recordsLength: records.byteLength });
  const whole = Buffer.allocUnsafe(before.byteLength + records.byteLength);
  whole.set(before);
  whole.set(records, before.byteLength);
  return whole;
}

/** Names another route in a batch frame, in place. */
export function patchRoute(frame: Uint8Array, routeAt: number, route: number): void {
  writeUInt32(frame, routeAt, route);
}

/** A packet with one message frame. */
export function encodeMessageFrame(message: Uint8Array): Uint8Array {
  const length = message.byteLength;
  const frameLength = 1 + varintLength(length) + length;
  const bytes = Buffer.allocUnsafe(1 + varintLength(frameLength) + frameLength);
  bytes[0] = TAG.frame;
  let index = writeVarint(bytes, 1, frameLength);
  bytes[index] = TAG.message;
  index = writeVarint(bytes, index + 1, length);
  bytes.set(message, index);
  return bytes;
}

/** Scratch for heads: written and copied before the next one. */
const scratch = Buffer.alloc(HEAD_BYTES);

/** Everything of a packet with one batch frame that comes before the records. */
function encodeHead(head: BatchHead): Uint8Array {
  const { recordsLength, packing } = head;
  const packingLength = packing === undefined ? 0 : 7;
  const batchLength = 34 + packingLength + varintLength(recordsLength) + recordsLength;
  const frameLength = 1 + varintLength(batchLength) + batchLength;
  scratch[0] = TAG.frame;
  let at = writeVarint(scratch, 1, frameLength);
  scratch[at] = TAG.batch;
  at = writeVarint(scratch, at + 1, batchLength);
  scratch[at] = TAG.route;
  at = scratch.writeUInt32LE(head.route, at + 1);
  scratch[at] = TAG.sequence;
  at = writeUInt53(at + 1, head.sequence);
  scratch[at] = TAG.position;
  at = writeUInt53(at + 1, head.position);
  scratch[at] = TAG.count;
  at = scratch.writeUInt32LE(head.count, at + 1);
  scratch[at] = TAG.checksum;
  at = scratch.writeUInt32LE(head.checksum, at + 1);
  if (packing !== undefined) {
    scratch[at] = TAG.encoding;
    scratch[at + 1] = packing.encoding;
    scratch[at + 2] = TAG.inflatedBytes;
    at = scratch.writeUInt32LE(packing.inflatedBytes, at + 3);
  }
  scratch[at] = TAG.records;
  at = writeVarint(scratch, at + 1, recordsLength);
  return scratch.subarray(0, at);
}

function writeUInt53(at: number, value: number): number {
  const behind = scratch.writeUInt32LE(value % TWO_TO_32, at);
  return scratch.writeUInt32LE(Math.floor(value / TWO_TO_32), behind);
}
