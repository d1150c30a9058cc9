import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { payloadsOf, sequenceIn } from "../../bench/peers/bench-message.ts";
import { Tally } from "../../bench/peers/tally.ts";

describe("bench payload", () => {
  test.each([4, 16, 128, 4_096])("payload - %p bytes, each with its sequence number", (bytes) => {
    const payload = payloadsOf(bytes);
    for (const sequence of [0, 1, 255, 256, 1_000_000, 2 ** 31, 2 ** 32 - 1]) {
      const made = payload(sequence);
      expect([made.byteLength, sequenceIn(made)]).toEqual([bytes, sequence]);
    }
    expect(payload(1)).not.toBe(payload(1));
  });

  test("payload - compression gains nothing", () => {
    expect(gzipSync(payloadsOf(4_096)(7)).byteLength).toBeGreaterThan(4_096);
  });

  test("payload - too small for a number is refused", () => {
    expect(() => payloadsOf(3)).toThrow("--payload-bytes must be at least 4, not 3");
  });
});

describe("bench tally", () => {
  test("tally - counts what came once, twice, and from elsewhere, and says when all is there", () => {
    let completed = 0;
    const tally = new Tally(() => {
      completed += 1;
    });
    tally.expect(10, 3);
    for (const sequence of [10, 12, 12, 13, 9]) {
      tally.add(sequence);
    }
    expect([tally.distinct, tally.duplicates, tally.strangers, completed]).toEqual([2, 1, 2, 0]);
    tally.add(11);
    expect([tally.distinct, completed]).toEqual([3, 1]);
    tally.expect(20, 1);
    expect([tally.distinct, tally.duplicates, tally.strangers]).toEqual([0, 0, 0]);
  });
});
