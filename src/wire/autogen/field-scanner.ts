/** The tags of protobuf's fields 1 to 8 that have a length: each is one byte. */
export const FIELD = {
  one: 0x0a,
  two: 0x12,
  three: 0x1a,
  four: 0x22,
  five: 0x2a,
  six: 0x32,
  seven: 0x3a,
  eight: 0x42,
} as const;

/**
 * Reads protobuf fields where they lie, without making a message of them. It knows only what every
 * writer of AutoGen's messages writes: fields with a length, tags of one byte, shortest lengths and
 * valid UTF-8. All else is odd and left to the library, whose answer counts.
 */
export class FieldScanner {
  readonly bytes: Uint8Array;
  /** Where the value of the field that was read last begins. */
  start = 0;
  /** The index behind that value, where the next field begins. */
  end = 0;
  /** A text was read that may not be UTF-8. */
  isOdd = false;
  readonly #buffer: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#buffer = asBuffer(bytes);
  }

  /** The tag of the field at an index, or 0, which is no field's tag, when it is odd or not within the limit. */
  next(at: number, limit: number): number {
    const { bytes } = this;
    let start = at + 2;
    // Beyond the limit there may be no byte; the comparison below refuses what was read of it.
    let length = bytes[at + 1] as number;
    if (length >= 0x80) {
      length &= 0x7f;
      for (let shift = 7; ; shift += 7) {
        const byte = bytes[start] as number;
        start += 1;
        length |= (byte & 0x7f) << shift;
        if (byte > 0 && byte < 0x80) {
          break;
        }
        // Four bytes hold more than any message has; a length that ends in 0 is not the shortest.
        if (!(byte >= 0x80) || shift === 21) {
          return 0;
        }
      }
    }
    const end = start + length;
    if (!(end <= limit)) {
      return 0;
    }
    this.start = start;
    this.end = end;
    return bytes[at] as number;
  }

  /** The value as text. */
  text(): string {
    const text = textAt(this.#buffer, this.start, this.end);
    // What is not UTF-8 becomes this character; so does itself, which is rare enough.
    if (text.includes("\ufffd")) {
      this.isOdd = true;
    }
    return text;
  }

  /** Makes sure that the value is text, which is not wanted now. */
  checkText(): void {
    const { bytes, end } = this;
    for (let index = this.start; index < end; index += 1) {
      if ((bytes[index] as number) >= 0x80) {
        this.text();
        return;
      }
    }
  }

  /** Whether the value is this ASCII text. */
  is(text: string): boolean {
    const { bytes, start } = this;
    if (this.end - start !== text.length) {
      return false;
    }
    for (let index = 0; index < text.length; index += 1) {
      if (bytes[start + index] !== text.charCodeAt(index)) {
        return false;
      }
    }
    return true;
  }

  /** The value itself, as a view. */
  view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

/** The text in a range of bytes, which was found to be UTF-8. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? "" : asBuffer(bytes).toString("utf8", start, end);
}

/** As a map's entry: a peer may name one `__proto__`, which is not to be assigned. */
export function setEntry(record: Record<string, string>, key: string, value: string): void {
  if (key === "__proto__") {
    Object.defineProperty(record, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    record[key] = value;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
