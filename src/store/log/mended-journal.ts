import { areEqual, type Sums, sumsOf, wrongBitsIn } from "./journal-checksum.ts";

/** What was done to a write-ahead log so that SQLite reads it to its end. */
export interface JournalMending {
  /** Frames in which one bit was wrong, and is right again. */
  readonly corrected: number;
  /** Other damaged frames, which are read as they are now. */
  readonly accepted: number;
}

const HEAD_BYTES = 32;
const FRAME_HEAD_BYTES = 24;
const MAGIC = 0x377f0682;
const ZERO: Sums = { first: 0, second: 0 };

/**
 * Mends a write-ahead log in place. SQLite takes a frame that does not fit its checksum for the end of the log, as
 * after a power loss. A flipped bit would so cost all that was written behind it, and positions would be given twice.
 *
 * - A frame with one wrong bit is corrected, where its checksum of 64 bits leaves no doubt which one it is.
 * - Any other is accepted as it is, when two transactions end behind it: each is synced before the next is
 *   written, so this one was, and a power loss cannot have torn it. What is wrong in it is found as it is in the file.
 *
 * Anything else is left alone.
 */
export function mendJournal(journal: Buffer): JournalMending | undefined {
  const head = readHead(journal);
  if (head === undefined) {
    return undefined;
  }
  const { isBigEndian, frameBytes, salts } = head;
  const frameAt = (at: number): Buffer | undefined =>
    at + frameBytes <= journal.length ? journal.subarray(at, at + frameBytes) : undefined;
  let { corrected } = head;
  let accepted = 0;
  // As SQLite wrote it, and as it is now: from the first frame that was accepted on, they differ.
  let [before, now]: [Sums, Sums] = [head.sums, head.sums];
  let at = HEAD_BYTES;
  for (let frame = frameAt(at); frame !== undefined; at += frameBytes, frame = frameAt(at)) {
    const isOurs = frame.subarray(8, 16).equals(salts);
    const stored = readSums(frame, 16);
    if (!isOurs || !areEqual(summed(frame, isBigEndian, before), stored)) {
      if (correct(frame, frameAt(at + frameBytes), head, before)) {
        corrected += 1;
      } else if (isOurs && isSynced(journal, at, head)) {
        accepted += 1;
      } else {
        break;
      }
    }
    const isSame = areEqual(before, now);
    before = readSums(frame, 16);
    now = isSame && areEqual(summed(frame, isBigEndian, now), before) ? before : resum(frame, now);
  }
  return corrected + accepted > 0 ? { corrected, accepted } : undefined;

  /** Writes the checksum that follows from what is before. */
  function resum(frame: Buffer, from: Sums): Sums {
    const sums = summed(frame, isBigEndian, from);
    frame.writeUInt32BE(sums.first, 16);
    frame.writeUInt32BE(sums.second, 20);
    return sums;
  }
}

interface Head {
  readonly isBigEndian: boolean;
  readonly frameBytes: number;
  readonly salts: Buffer;
  readonly sums: Sums;
  readonly corrected: number;
}

/** Undefined when it cannot be read, or there is no frame. */
function readHead(journal: Buffer): Head | undefined {
  if (journal.length < HEAD_BYTES + FRAME_HEAD_BYTES) {
    return undefined;
  }
  const head = journal.subarray(0, HEAD_BYTES);
  let corrected = 0;
  // All but its last bit is the same for all logs.
  if (!isHeadSound(head)) {
    const bit = Array.from({ length: HEAD_BYTES * 8 }, (_, index) => index).find((index) => {
      turn(head, index);
      const isSound = isHeadSound(head);
      turn(head, index);
      return isSound;
    });
    if (bit === undefined) {
      return undefined;
    }
    turn(head, bit);
    corrected = 1;
  }
  return {
    isBigEndian: isBigEndianHead(head),
    frameBytes: FRAME_HEAD_BYTES + head.readUInt32BE(8),
    salts: Buffer.from(head.subarray(16, 24)),
    sums: readSums(head, 24),
    corrected,
  };
}

function isHeadSound(head: Buffer): boolean {
  const isMagic = head.readUInt32BE(0) >>> 1 === MAGIC >>> 1;
  const pageBytes = head.readUInt32BE(8);
  return (
    isMagic &&
    pageBytes >= 512 &&
    pageBytes <= 65_536 &&
    (pageBytes & (pageBytes - 1)) === 0 &&
    areEqual(sumsOf(head.subarray(0, 24), isBigEndianHead(head), ZERO), readSums(head, 24))
  );
}

function isBigEndianHead(head: Buffer): boolean {
  return (head.readUInt32BE(0) & 1) === 1;
}

function turn(bytes: Buffer, bit: number): void {
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
}

/** Turns the one wrong bit of a frame round. False: it is more than one, or not clear which. */
function correct(
  frame: Buffer,
  next: Buffer | undefined,
  { salts, isBigEndian }: Head,
  before: Sums,
): boolean {
  const found = summed(frame, isBigEndian, before);
  const stored = readSums(frame, 16);
  const isOurs = frame.subarray(8, 16).equals(salts);
  if (areEqual(found, stored)) {
    const isOneBit = differingBits(frame.subarray(8, 16), salts) === 1;
    if (isOneBit) {
      salts.copy(frame, 8);
    }
    return isOneBit;
  }
  if (!isOurs) {
    return false;
  }
  const bits = wrongBitsIn(summedBytes(frame), isBigEndian, { found, wanted: stored });
  const follows = (from: Sums): boolean =>
    next !== undefined && areEqual(summed(next, isBigEndian, from), readSums(next, 16));
  // The next frame goes on from the checksum as it was, which tells a wrong checksum from a wrong frame.
  const isSumWrong = follows(found) || (bits.length === 0 && !follows(stored));
  if (isSumWrong) {
    const isOneBit = differingBits(frame.subarray(16, 24), sumBytes(found)) === 1;
    if (isOneBit) {
      sumBytes(found).copy(frame, 16);
    }
    return isOneBit;
  }
  const [bit, another] = bits;
  if (bit === undefined || another !== undefined) {
    return false;
  }
  if (!follows(stored) && differingBits(frame.subarray(16, 24), sumBytes(found)) === 1) {
    return false;
  }
  const offset = bit.offset < 8 ? bit.offset : bit.offset - 8 + FRAME_HEAD_BYTES;
  frame.writeUInt8(frame.readUInt8(offset) ^ bit.mask, offset);
  return true;
}

/**
 * True when, from a frame on, two transactions end, and all frames behind it follow from each other: what a
 * transaction that failed has left behind does not.
 */
function isSynced(
  journal: Buffer,
  from: number,
  { frameBytes, salts, isBigEndian }: Head,
): boolean {
  let ends = 0;
  let before: Sums | undefined;
  for (let at = from; at + frameBytes <= journal.length; at += frameBytes) {
    const frame = journal.subarray(at, at + frameBytes);
    const stored = readSums(frame, 16);
    const follows = before === undefined || areEqual(summed(frame, isBigEndian, before), stored);
    if (!follows || !frame.subarray(8, 16).equals(salts)) {
      return false;
    }
    before = stored;
    // The size of the database after the transaction that ends with it.
    ends += frame.readUInt32BE(4) === 0 ? 0 : 1;
    if (ends === 2) {
      return true;
    }
  }
  return false;
}

function summed(frame: Buffer, isBigEndian: boolean, from: Sums): Sums {
  const ofHead = sumsOf(frame.subarray(0, 8), isBigEndian, from);
  return sumsOf(frame.subarray(FRAME_HEAD_BYTES), isBigEndian, ofHead);
}

function summedBytes(frame: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 8), frame.subarray(FRAME_HEAD_BYTES)]);
}

function readSums(bytes: Buffer, at: number): Sums {
  return { first: bytes.readUInt32BE(at), second: bytes.readUInt32BE(at + 4) };
}

function sumBytes({ first, second }: Sums): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(first, 0);
  bytes.writeUInt32BE(second, 4);
  return bytes;
}

function differingBits(a: Buffer, b: Buffer): number {
  let bits = 0;
  for (const [index, byte] of a.entries()) {
    for (let left = byte ^ (b[index] ?? 0); left > 0; left &= left - 1) {
      bits += 1;
    }
  }
  return bits;
}
