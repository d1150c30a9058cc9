import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { OpenRequestSchema } from "../../../src/wire/gen/agentrt/v1/link_pb.ts";
import {
  ANSWER_TAG,
  CALL_TAG,
  type CallFrame,
  encodeCallFrame,
} from "../../../src/wire/link/call-frame.ts";
import { creditOf, readPacket } from "../../../src/wire/link/frames.ts";
import { numberOf } from "../../../src/wire/link/linked-calls.ts";
import { thrownBy } from "../../kit/thrown.ts";

const uint32 = fc.integer({ min: 1, max: 0xffff_ffff });
const headers = fc.dictionary(fc.string({ minLength: 1 }), fc.string(), {
  maxKeys: 3,
  noNullPrototype: true,
});
const data = fc.uint8Array({ maxLength: 300 });
const kinds = fc.constantFrom("call" as const, "answer" as const);

function encode(
  kind: "call" | "answer",
  ...rest: [number, number, Record<string, string>, Uint8Array]
) {
  return encodeCallFrame(kind === "call" ? CALL_TAG : ANSWER_TAG, ...rest);
}

function onlyCall(packet: Uint8Array): CallFrame {
  const [frame, ...others] = readPacket(packet);
  if ((frame?.kind !== "call" && frame?.kind !== "answer") || others.length > 0) {
    throw new Error("not one call or answer");
  }
  return frame;
}

describe("calls and answers as frames of agentrt.v1.Link", () => {
  test("property - they are what the .proto file says, read by protobuf's own code and by ours", () => {
    fc.assert(
      fc.property(kinds, uint32, uint32, headers, data, (kind, route, id, own, bytes) => {
        const packet = encode(kind, route, id, own, bytes);
        const [frame] = fromBinary(OpenRequestSchema, packet).frames;
        const wanted = { route, id, headers: own, data: Buffer.from(bytes) };
        const value = frame?.frame.value as { headers?: { headers: object }; data: Uint8Array };
        expect(frame?.frame.case).toBe(kind);
        expect({
          ...value,
          headers: value.headers?.headers ?? {},
          data: Buffer.from(value.data),
        }).toMatchObject(wanted);
        const read = onlyCall(packet);
        const { data: readData, hasHeaders } = read;
        const readHeaders = hasHeaders ? read.headers : {};
        expect([read.kind, read.route, read.id, readHeaders, Buffer.from(readData)]).toEqual([
          kind,
          route,
          id,
          own,
          Buffer.from(bytes),
        ]);
        expect(creditOf(read)).toBe(packet.byteLength);
      }),
    );
  });

  test("property - one that protobuf's own code wrote is read", () => {
    fc.assert(
      fc.property(kinds, uint32, uint32, headers, data, (kind, route, id, own, bytes) => {
        const value = { route, id, headers: { headers: own }, data: bytes };
        const packet = toBinary(
          OpenRequestSchema,
          create(OpenRequestSchema, { frames: [{ frame: { case: kind, value } }] }),
        );
        const read = onlyCall(packet);
        expect([read.route, read.id, read.headers]).toEqual([route, id, own]);
        expect(Buffer.from(read.data).equals(bytes)).toBe(true);
      }),
    );
  });

  test("property - other numbers are given in place, in the midst of a packet, and nothing else changes", () => {
    fc.assert(
      fc.property(kinds, uint32, uint32, headers, data, (kind, route, id, own, bytes) => {
        const one = encode(kind, 1, 2, own, bytes);
        const packet = Buffer.concat([one, one, one]);
        const [, middle] = readPacket(packet) as CallFrame[];
        const renumbered = middle?.renumbered(route, id) ?? one;
        const wanted = encode(kind, route, id, own, bytes);
        expect(Buffer.from(renumbered).equals(wanted)).toBe(true);
        expect(packet.subarray(0, one.byteLength).equals(one)).toBe(true);
        expect(packet.subarray(-one.byteLength).equals(one)).toBe(true);
      }),
    );
  });

  test("property - cut off anywhere it is refused with BAD_FRAME", () => {
    fc.assert(
      fc.property(kinds, headers, data, fc.nat(), (kind, own, bytes, at) => {
        const packet = encode(kind, 1, 2, own, bytes);
        const cut = packet.subarray(0, 1 + (at % (packet.byteLength - 1)));
        expect(thrownBy(() => readPacket(cut)).code).toBe("BAD_FRAME");
      }),
    );
  });

  test.each([
    ["id 0", encodeCallFrame(CALL_TAG, 1, 0, {}, new Uint8Array(0))],
    ["neither", Buffer.from([0x0a, 0x02, CALL_TAG, 0x00])],
    ["an unknown field", Buffer.from([0x0a, 0x04, CALL_TAG, 0x02, 0x50, 0x01])],
  ])("a call with %s is refused", (_what, packet) => {
    const error = thrownBy(() => readPacket(packet));
    expect([error.code, error.data["isUnreadable"]]).toEqual(["BAD_FRAME", true]);
  });

  test("an id is a number on a link only when it is written as one", () => {
    const texts = ["1", "4294967295", "0", "4294967296", "01", "1.0", "1e3", " 1", "", "move-1"];
    expect(texts.map(numberOf)).toEqual([
      ...[1, 4_294_967_295],
      ...Array.from({ length: 8 }, () => undefined),
    ]);
  });
});
