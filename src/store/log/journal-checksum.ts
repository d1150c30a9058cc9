/** The running checksum of SQLite's write-ahead log: two sums over pairs of words, each frame's begins with the last one's. */
export interface Sums {
  readonly first: number;
  readonly second: number;
}

/** One bit of what was summed. */
export interface BitAt {
  readonly offset: number;
  readonly mask: number;
}

const WORD_BYTES = 4;
const PAIR_BYTES = 2 * WORD_BYTES;

/** @param isBigEndian how words are read, which the log's head says */
export function sumsOf(bytes: Buffer, isBigEndian: boolean, from: Sums): Sums {
  let { first, second } = from;
  for (let at = 0; at < bytes.length; at += PAIR_BYTES) {
    first = (first + wordAt(bytes, at, isBigEndian) + second) >>> 0;
    second = (second + wordAt(bytes, at + WORD_BYTES, isBigEndian) + first) >>> 0;
  }
  return { first, second };
}

export function areEqual(a: Sums, b: Sums): boolean {
  return a.first === b.first && a.second === b.second;
}

/**
 * The bits of which each alone, turned round in `bytes`, would make their sums `wanted`: two at the most, which is
 * enough to know that it is not clear. The sums are linear, so what a change of one word does to them depends on how
 * many words follow, and on nothing else; for the upper bits of words it comes again after a few hundred words.
 */
export function wrongBitsIn(
  bytes: Buffer,
  isBigEndian: boolean,
  { found, wanted }: { readonly found: Sums; readonly wanted: Sums },
): readonly BitAt[] {
  const byFirst = (wanted.first - found.first) | 0;
  const bySecond = (wanted.second - found.second) | 0;
  const bits: BitAt[] = [];
  // How much a change by one in the first and in the second word of a pair changes either sum.
  let [ofFirst, ofSecond] = [
    { first: 1, second: 1 },
    { first: 0, second: 1 },
  ];
  for (let pair = bytes.length - PAIR_BYTES; pair >= 0; pair -= PAIR_BYTES) {
    for (const [word, effect] of [ofFirst, ofSecond].entries()) {
      const offset = pair + word * WORD_BYTES;
      const value = wordAt(bytes, offset, isBigEndian);
      for (let bit = 0; bit < 32; bit += 1) {
        const change = ((value >>> bit) & 1) === 1 ? -(2 ** bit) : 2 ** bit;
        if (
          Math.imul(change, effect.first) === byFirst &&
          Math.imul(change, effect.second) === bySecond
        ) {
          const byte = isBigEndian ? WORD_BYTES - 1 - (bit >> 3) : bit >> 3;
          bits.push({ offset: offset + byte, mask: 1 << (bit & 7) });
          if (bits.length > 1) {
            return bits;
          }
        }
      }
    }
    ofFirst = followed(ofFirst);
    ofSecond = followed(ofSecond);
  }
  return bits;
}

/** The effect of a change when one more pair of words follows. */
function followed({ first, second }: Sums): Sums {
  const sum = (first + second) | 0;
  return { first: sum, second: (second + sum) | 0 };
}

function wordAt(bytes: Buffer, at: number, isBigEndian: boolean): number {
  return isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
}
