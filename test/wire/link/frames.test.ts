import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { AgentId } from "../../../src/core/agent-id.ts";
import { AgentrtError } from "../../../src/core/errors.ts";
import { FULL_QUEUE_POLICIES } from "../../../src/core/full-queue.ts";
import { TopicId } from "../../../src/core/topic-id.ts";
import { OpenRequestSchema } from "../../../src/wire/gen/agentrt/v1/link_pb.ts";
import {
  encodeBatchFrame,
  encodeMessageFrame,
  OpenBatch,
  patchRoute,
} from "../../../src/wire/link/batch-frame.ts";
import {
  type BatchFrame,
  creditOf,
  decodeRoute,
  encodeControlFrame,
  encodeRoute,
  readPacket,
} from "../../../src/wire/link/frames.ts";
import { thrownBy } from "../../kit/thrown.ts";

const uint32 = fc.integer({ min: 1, max: 0xffff_ffff });
const uint53 = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 });

function batchOf(data: readonly Uint8Array[], route = 7, sequence = 1): Uint8Array {
  const batch = new OpenBatch(16);
  for (const one of data) {
    batch.append(one, undefined);
  }
  return batch.close(route, sequence);
}

function onlyBatch(packet: Uint8Array): BatchFrame {
  const [frame] = readPacket(packet);
  if (frame?.kind !== "batch") {
    throw new Error("not a batch");
  }
  return frame;
}

describe("frames of agentrt.v1.Link", () => {
  test("property - a batch is what the .proto file says, read by protobuf's own code", () => {
    fc.assert(
      fc.property(payloads, uint32, uint53, (data, route, sequence) => {
        const packet = batchOf(data, route, sequence);
        const { frames } = fromBinary(OpenRequestSchema, packet);
        expect(frames).toHaveLength(1);
        const frame = frames[0]?.frame;
        if (frame?.case !== "batch") {
          throw new Error("not a batch");
        }
        const { value } = frame;
        expect([value.route, value.sequence, value.position, value.count]).toEqual([
          route,
          BigInt(sequence),
          0n,
          data.length,
        ]);
        const read = onlyBatch(packet);
        expect(Buffer.from(read.records).equals(value.records)).toBe(true);
        expect([read.route, read.sequence, read.count]).toEqual([route, sequence, data.length]);
        expect(creditOf(read)).toBe(packet.byteLength);
      }),
    );
  });

  test("property - a batch that protobuf's own code wrote is read, whatever the order of its fields", () => {
    fc.assert(
      fc.property(payloads, uint53, (data, position) => {
        const { records, count, checksum } = onlyBatch(batchOf(data));

        const value = {
          route: 9,
          sequence: 4n,
          position: BigInt(position),
          count,
          checksum,
          records,
        };
        const request = create(OpenRequestSchema, {
          frames: [{ frame: { case: "batch", value } }],
        });
        const read = onlyBatch(toBinary(OpenRequestSchema, request));
        expect([read.route, read.sequence, read.position, read.count]).toEqual([
          9,
          4,
          position,
          count,
        ]);
      }),
    );
  });

  test("property - packets behind one another are the packet of all their frames, in order", () => {
    const part = fc.oneof(
      payloads.map((data) => batchOf(data)),
      fc.uint8Array({ maxLength: 200 }).map(encodeMessageFrame),
      uint53.map((taken) =>
        encodeControlFrame({ case: "credit", value: { takenBytes: BigInt(taken) } }),
      ),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const frames = readPacket(Buffer.concat(parts));
        const alone = parts.flatMap((bytes) => readPacket(bytes));
        expect(frames.map(({ kind }) => kind)).toEqual(alone.map(({ kind }) => kind));
        expect(frames).toEqual(alone);
      }),
    );
  });

  test("property - another route can be named in the bytes as they are, and nothing else changes", () => {
    fc.assert(
      fc.property(payloads, uint32, uint32, (data, route, other) => {
        const before = onlyBatch(batchOf(data, route));
        const bytes = Buffer.from(before.bytes);
        patchRoute(bytes, before.routeAt, other);
        const after = onlyBatch(bytes);
        expect(after.route).toBe(other);
        expect(Buffer.from(after.records).equals(before.records)).toBe(true);
      }),
    );
  });

  test("property - any bytes at all are read or refused with BAD_FRAME, and a flipped bit is found", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          readPacket(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentrtError);
          expect((error as AgentrtError).code).toBe("BAD_FRAME");
        }
      }),
    );
    fc.assert(
      fc.property(payloads, fc.nat(), (data, at) => {
        const bytes = Buffer.from(batchOf(data));
        const { records } = onlyBatch(bytes);
        const start = bytes.byteLength - records.byteLength;
        const index = start + (at % records.byteLength);
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        expect(thrownBy(() => readPacket(bytes)).message).toContain("checksum");
      }),
    );
  });

  test.each([
    ["no count", { count: 0 }],
    ["no sequence", { sequence: 0 }],
    ["more records than bytes", { count: 1_000 }],
  ])("a batch with %s is refused", (_what, wrong) => {
    const { records, checksum } = onlyBatch(batchOf([new Uint8Array(3)]));
    const head = { route: 1, sequence: 1, position: 0, count: 1, checksum, ...wrong };
    const error = thrownBy(() => readPacket(encodeBatchFrame(head, records)));
    expect([error.code, error.data["isUnreadable"]]).toEqual(["BAD_FRAME", true]);
  });

  test("unknown frames of a newer peer are passed over", () => {
    // Field 15 of Frame, which this version has no name for.
    const unknown = Buffer.from([0x0a, 0x03, 0x7a, 0x01, 0x00]);
    const [first, ...others] = readPacket(
      Buffer.concat([unknown, encodeMessageFrame(Buffer.from("x"))]),
    );
    expect([first?.kind, others]).toEqual(["message", []]);
  });

  test("a route says what a full queue does; what this version has no name for counts as nothing said", () => {
    const plain = {
      ...{ topic: new TopicId("topic", "source"), sender: undefined, headers: {}, dataType: "D" },
      ...{ contentType: "c", producer: "p", receivers: [] },
    };
    for (const fullQueue of FULL_QUEUE_POLICIES) {
      const [frame] = readPacket(encodeRoute(1, { ...plain, fullQueue }));
      if (frame?.kind !== "control" || frame.frame.case !== "route") {
        throw new Error("not a route");
      }
      const { value } = frame.frame;
      const said = fullQueue === "block" ? plain : { ...plain, fullQueue };
      expect(decodeRoute(value)).toEqual(said);
      value.fullQueue = Number("99");
      expect(decodeRoute(value)).toEqual(plain);
    }
  });

  test("a route comes back as it was", () => {
    const route = {
      topic: new TopicId("topic", "source"),
      sender: new AgentId("sender", "key"),
      headers: { priority: "high" },
      dataType: "Reading",
      contentType: "application/json",
      producer: "worker.1",
      receivers: ["a", "b"],
    };
    const [frame] = readPacket(encodeRoute(12, route));
    if (frame?.kind !== "control" || frame.frame.case !== "route") {
      throw new Error("not a route");
    }
    const { value } = frame.frame;
    expect([value.number, decodeRoute(value)]).toEqual([12, route]);
    value.senderType = "";
    value.senderKey = "";
    expect(decodeRoute(value).sender).toBeUndefined();
    value.topicType = "a b";
    expect(thrownBy(() => decodeRoute(value)).code).toBe("INVALID_TOPIC");
  });
});
