import { describe, expect, test } from "bun:test";
import { crc32 } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { OpenRequestSchema } from "../../../src/wire/gen/agentrt/v1/link_pb.ts";
import { OpenBatch } from "../../../src/wire/link/batch-frame.ts";
import {
  assertInflatedFits,
  compress,
  ENCODINGS,
  type Encoding,
  inflate,
  numberOfEncoding,
} from "../../../src/wire/link/compression.ts";
import { type BatchFrame, creditOf, readPacket } from "../../../src/wire/link/frames.ts";
import { thrownBy } from "../../kit/thrown.ts";

const encoding = fc.constantFrom(...ENCODINGS);
/** Bytes that shrink as well as such that do not. */
const records = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 2_000 }),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 2_000 }))
    .map(([text, times]) => new Uint8Array(Buffer.from(`${text}-`.repeat(times)))),
);

function packed(name: Encoding, plain: Uint8Array, inflatedBytes = plain.byteLength): BatchFrame {
  const batch = new OpenBatch();
  batch.append(plain, undefined);
  const head = { encoding: numberOfEncoding(name), inflatedBytes };
  const [frame] = readPacket(batch.closePacked(7, 100, head, compress(name, batch.records)));
  return frame as BatchFrame;
}

describe("compressed batches", () => {
  test("both encodings are known here", () => {
    expect(ENCODINGS).toEqual(["gzip", "zstd"]);
    expect(ENCODINGS.map(numberOfEncoding)).toEqual([1, 2]);
  });

  test("property - records come back as they were", () => {
    fc.assert(
      fc.property(encoding, records, (name, plain) => {
        const small = compress(name, plain);
        const back = inflate(numberOfEncoding(name), small, plain.byteLength);
        expect(Buffer.from(back).equals(plain)).toBe(true);
      }),
    );
  });

  test("property - a frame says how they are compressed, and counts without that", () => {
    fc.assert(
      fc.property(encoding, records, (name, data) => {
        const plain = new OpenBatch();
        plain.append(data, undefined);
        const inflatedBytes = plain.byteLength;
        const frame = packed(name, data, inflatedBytes);
        expect([frame.route, frame.sequence, frame.count, frame.encoding]).toEqual([
          7,
          100,
          1,
          numberOfEncoding(name),
        ]);
        expect(frame.inflatedBytes).toBe(inflatedBytes);
        const back = inflate(frame.encoding, frame.records, frame.inflatedBytes);
        expect(Buffer.from(back).equals(plain.records)).toBe(true);
        const saved = Math.max(0, inflatedBytes - frame.records.byteLength);
        expect(creditOf(frame)).toBe(frame.bytes.byteLength + saved);
      }),
    );
  });

  test("property - one byte more or less than it says is refused, and so is what was cut or changed", () => {
    fc.assert(
      fc.property(encoding, records, fc.nat(), (name, plain, at) => {
        const number = numberOfEncoding(name);
        const small = compress(name, plain);
        for (const bytes of [plain.byteLength - 1, plain.byteLength + 1].filter((n) => n > 0)) {
          expect(thrownBy(() => inflate(number, small, bytes)).code).toBe("BAD_FRAME");
        }
        const cut = small.subarray(0, at % small.byteLength);
        expect(thrownBy(() => inflate(number, cut, plain.byteLength)).code).toBe("BAD_FRAME");
      }),
    );
  });

  test("a bomb is not inflated beyond what it says", () => {
    for (const name of ENCODINGS) {
      const bomb = compress(name, new Uint8Array(50_000_000));
      expect(bomb.byteLength).toBeLessThan(1_000_000);
      const before = process.memoryUsage().rss;
      const error = thrownBy(() => inflate(numberOfEncoding(name), bomb, 1_000));
      expect([error.code, error.message]).toEqual([
        "BAD_FRAME",
        `The records of a compressed batch cannot be read: they are not 1000 bytes in ${name}: Cannot create a Buffer larger than 1000 bytes. Check the peer that compresses them.`,
      ]);
      expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
    }
  });

  test("an encoding that is not known, and one that is too large", () => {
    expect(thrownBy(() => inflate(9, new Uint8Array(1), 1)).message).toBe(
      "The records of a compressed batch cannot be read: their encoding 9 is none of gzip, zstd. Check the peer that compresses them.",
    );
    assertInflatedFits(10, 10);
    const error = thrownBy(() => assertInflatedFits(11, 10));
    expect([error.code, error.data["limit"]]).toEqual(["TOO_LARGE", 10]);
  });

  test("a frame as another program writes it: in any order, with an encoding of 0, and with too many records", () => {
    const plain = new Uint8Array([2, 120]);
    const head = { route: 1, sequence: 1n, count: 1, checksum: crc32(plain) };
    const frameOf = (value: object): BatchFrame => {
      const frames = [{ frame: { case: "batch" as const, value: { ...head, ...value } } }];
      const bytes = toBinary(OpenRequestSchema, create(OpenRequestSchema, { frames }));
      return readPacket(bytes)[0] as BatchFrame;
    };
    expect(frameOf({ records: plain })).toMatchObject({ encoding: 0, inflatedBytes: 2 });
    expect(frameOf({ records: plain, encoding: 0, inflatedBytes: 99 })).toMatchObject({
      encoding: 0,
      inflatedBytes: 2,
    });
    expect(frameOf({ records: plain, encoding: 1, inflatedBytes: 99, count: 99 })).toMatchObject({
      encoding: 1,
      inflatedBytes: 99,
    });
    const many = (): unknown =>
      frameOf({ records: plain, encoding: 1, inflatedBytes: 99, count: 100 });
    expect(thrownBy(many).code).toBe("BAD_FRAME");
  });
});
