/** Bytes that a number takes as a varint. @param value from 0 to 2^32 - 1 */
export function varintLength(value: number): number {
  if (value < 0x80) {
    return 1;
  }
  if (value < 0x4000) {
    return 2;
  }
  if (value < 0x20_0000) {
    return 3;
  }
  return value < 0x1000_0000 ? 4 : 5;
}

/** Writes a varint. Returns the index behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let index = at;
  let rest = value;
  while (rest >= 0x80) {
    bytes[index] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
    index += 1;
  }
  bytes[index] = rest;
  return index + 1;
}

/**
 * Reads numbers from a range of bytes, one after the other. Nothing is read beyond the range: a
 * number that does not end in it, or is over 2^32 - 1, makes `isBroken` true.
 */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  isBroken = false;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** True while there is something left to read. */
  get hasMore(): boolean {
    return this.at < this.end && !this.isBroken;
  }

  next(): number {
    const { bytes, end } = this;
    let value = 0;
    for (let shift = 0; shift < 35 && this.at < end; shift += 7) {
      const byte = bytes[this.at] as number;
      this.at += 1;
      if (shift === 28 && byte > 0x0f) {
        break;
      }
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        return value >>> 0;
      }
    }
    this.isBroken = true;
    return 0;
  }

  /** The index behind `length` more bytes, or -1 when there are not so many. */
  skip(length: number): number {
    const behind = this.at + length;
    if (behind > this.end) {
      this.isBroken = true;
      return -1;
    }
    this.at = behind;
    return behind;
  }
}
