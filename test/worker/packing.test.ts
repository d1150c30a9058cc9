import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TopicId } from "../../src/core/topic-id.ts";
import { OpenBatch } from "../../src/wire/link/batch-frame.ts";
import { inflate, numberOfEncoding } from "../../src/wire/link/compression.ts";
import { type BatchFrame, readPacket } from "../../src/wire/link/frames.ts";
import { BatchPacking } from "../../src/worker/batch-packing.ts";
import { type Compression, encodingFor } from "../../src/worker/compression.ts";
import type { ClosedBatch, NumberedRoute } from "../../src/worker/outgoing-batches.ts";
import { PackingTrial } from "../../src/worker/packing-trial.ts";

const route: NumberedRoute = {
  number: 3,
  route: {
    ...{ topic: new TopicId("t", "s"), sender: undefined, headers: {}, receivers: [] },
    ...{ dataType: "D", contentType: "c", producer: "p" },
  },
  priority: "normal",
  isForgotten: false,
};

function batchOf(...payloads: readonly Uint8Array[]): ClosedBatch {
  const records = new OpenBatch();
  for (const payload of payloads) {
    records.append(payload, undefined);
  }
  return { kind: "batch", route, records, outcome: undefined };
}

const text = (bytes: number): Uint8Array =>
  Buffer.from("temperature ".repeat(bytes / 12 + 1)).subarray(0, bytes);
const noise = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

describe("compressing batches", () => {
  test("a batch that gets smaller is compressed, and says what it was", () => {
    const packing = new BatchPacking();
    for (const encoding of ["gzip", "zstd"] as const) {
      const batch = batchOf(text(3_000), text(3_000));
      const { frame, savedBytes, ...rest } = packing.pack(batch, 5, encoding);
      expect(rest.encoding).toBe(encoding);
      const [read] = readPacket(frame) as [BatchFrame];
      expect(read).toMatchObject({
        route: 3,
        sequence: 5,
        count: 2,
        inflatedBytes: batch.records.byteLength,
      });
      expect(savedBytes).toBe(batch.records.byteLength - read.records.byteLength);
      const back = inflate(numberOfEncoding(encoding), read.records, read.inflatedBytes);
      expect(Buffer.from(back).equals(batch.records.records)).toBe(true);
    }
  });

  test("a tiny batch, one that gets no smaller, and one for a host that reads none go out plain", () => {
    const packing = new BatchPacking();
    const kept = [
      packing.pack(batchOf(text(1_000)), 1, "zstd"),
      packing.pack(batchOf(text(5_000)), 1, undefined),
      packing.pack(batchOf(noise(5_000)), 1, "zstd"),
    ];
    for (const { frame, encoding, savedBytes } of kept) {
      expect([encoding, savedBytes]).toEqual([undefined, 0]);
      expect(readPacket(frame)[0]).toMatchObject({ encoding: 0 });
    }
    // After one that was not worth it the route is left alone for a while.
    const after = Array.from({ length: 10 }, () => packing.pack(batchOf(text(5_000)), 1, "zstd"));
    expect(after.map(({ encoding }) => encoding)).toEqual([
      ...Array.from({ length: 8 }, () => undefined),
      "zstd",
      "zstd",
    ]);
  });

  test("property - a route that stays poor is tried ever more seldom, up to a bound, and begins anew when it is not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.boolean(), (poor, isWorthAfter) => {
        const trial = new PackingTrial();
        const gaps: number[] = [];
        const gap = (): number => {
          let skipped = 0;
          while (!trial.isDue(2_000)) {
            skipped += 1;
          }
          return skipped;
        };
        expect(gap()).toBe(0);
        for (let tries = 0; tries < poor; tries += 1) {
          expect(trial.isWorth(2_000, 1_601)).toBe(false);
          gaps.push(gap());
        }
        expect(gaps).toEqual(gaps.map((_, index) => Math.min(8 * 2 ** index, 1_024)));
        if (isWorthAfter) {
          expect(trial.isWorth(2_000, 1_600)).toBe(true);
          expect(gap()).toBe(0);
          expect(trial.isWorth(2_000, 2_100)).toBe(false);
          expect(gap()).toBe(8);
        }
      }),
    );
  });

  test("a batch below 1 KiB is neither tried nor counted as a pause", () => {
    const trial = new PackingTrial();
    trial.isWorth(2_000, 2_000);
    for (let index = 0; index < 100; index += 1) {
      expect(trial.isDue(1_023)).toBe(false);
    }
    const due = Array.from({ length: 9 }, () => trial.isDue(1_024));
    expect(due).toEqual([...Array.from({ length: 8 }, () => false), true]);
  });

  test("which encoding - by the setting, the host's address and what the host reads", () => {
    const chosen = (compression: Compression, address: string, ...host: readonly string[]) =>
      encodingFor(compression, address, (name) => host.includes(name));
    expect([
      chosen("auto", "far:1", "gzip", "zstd"),
      chosen("auto", "far:1", "gzip"),
      chosen("auto", "far:1"),
      chosen("auto", "localhost:1", "gzip", "zstd"),
      chosen("auto", "127.0.0.2:1", "zstd"),
      chosen("auto", "[::1]:1", "zstd"),
      chosen("auto", "[fe80::1]:1", "zstd"),
      chosen("off", "far:1", "gzip", "zstd"),
      chosen("gzip", "localhost:1", "gzip", "zstd"),
      chosen("zstd", "localhost:1", "gzip", "zstd"),
      chosen("zstd", "far:1", "gzip"),
    ]).toEqual([
      "zstd",
      "gzip",
      undefined,
      undefined,
      undefined,
      undefined,
      "zstd",
      undefined,
      "gzip",
      "zstd",
      undefined,
    ]);
  });
});
