import { describe, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import type { Envelope } from "../../../src/core/envelope.ts";
import { AgentrtError } from "../../../src/core/errors.ts";
import {
  decodeByLibrary,
  decodeMessage,
  encodeMessage,
  scanMessage,
} from "../../../src/wire/autogen/codec.ts";
import { agentId, anyHeaders, anyText, bytes, someText, topicId } from "../../kit/arbitraries.ts";
import { ReadingSchema } from "../../proto/gen/agentrt/test/v1/reading_pb.ts";

/** All that an envelope says, or all that its refusal says, as plain values that compare by content. */
function outcome(decode: (frame: Uint8Array) => Envelope, frame: Uint8Array): unknown {
  try {
    const envelope = decode(frame);
    const { kind, id, headers } = envelope;
    const { dataType, contentType, data } = envelope.payload;
    return {
      ...{ kind, id, dataType, contentType, data: Buffer.from(data).toString("hex") },
      headers: Object.entries(headers),
      more:
        envelope.kind === "response"
          ? envelope.error
          : `${envelope.sender} ${envelope.kind === "event" ? envelope.topic : [envelope.target, envelope.method]}`,
      wireForm: envelope.kind === "event" ? envelope.wireForm?.bytes === frame : undefined,
    };
  } catch (error) {
    if (!(error instanceof AgentrtError)) {
      throw error;
    }
    return { code: error.code, data: error.data, message: error.message };
  }
}

function expectSame(frame: Uint8Array): void {
  expect(outcome(decodeMessage, frame)).toEqual(outcome(decodeByLibrary, frame));
  // A worker gets its frames as a Buffer, a part of a greater one.
  const padded = Buffer.concat([Uint8Array.of(0x0a, 0x80), frame, Uint8Array.of(0x0a, 0x01, 0x61)]);
  const part = padded.subarray(2, 2 + frame.byteLength);
  expect(outcome(decodeMessage, part)).toEqual(outcome(decodeByLibrary, part));
}

const anyReading = anyText.map((sensor) =>
  toBinary(AnySchema, anyPack(ReadingSchema, create(ReadingSchema, { sensor }))),
);
const payload = fc.oneof(
  fc.record({ dataType: anyText, contentType: anyText, data: bytes }),
  fc.record({
    dataType: anyText,
    contentType: fc.constant("application/x-protobuf"),
    data: anyReading,
  }),
);
const sender = fc.option(agentId, { nil: undefined });
const requestId = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record({
    kind: fc.constant("event" as const),
    ...{ id: someText, topic: topicId, sender, headers: anyHeaders, payload },
  }),
  fc.record({
    kind: fc.constant("request" as const),
    ...{ id: requestId, target: agentId, sender, method: anyText, headers: anyHeaders, payload },
  }),
  fc.record({
    kind: fc.constant("response" as const),
    ...{ id: requestId, error: anyText, headers: anyHeaders, payload },
  }),
);

// ---- Frames field by field, with everything in them that a writer could do, and more ----

/** @param padding bytes by which the length is longer than it need be */
function lengthOf(value: number, padding: number): number[] {
  const length: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) {
    length.push((rest & 0x7f) | 0x80);
  }
  length.push(rest);
  for (let index = 0; index < padding; index += 1) {
    length.push((length.pop() ?? 0) | 0x80, 0);
  }
  return length;
}

/** A field with a length that is nearly always right. */
function field(tag: number, content: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const usual = fc.constant([0, 0] as const);
  const odd = fc.tuple(fc.nat(11), fc.integer({ min: -2, max: 2 }));
  return fc
    .tuple(content, fc.oneof({ weight: 60, arbitrary: usual }, { weight: 1, arbitrary: odd }))
    .map(([value, [padding, error]]) =>
      Uint8Array.of(tag, ...lengthOf(Math.max(0, value.byteLength + error), padding), ...value),
    );
}

const NAMES = ["datacontenttype", "dataschema", "agagentsendertype", "agagentsenderkey"];
const SOME_TEXTS = ["a", "unknown", "__proto__", "agmsgkind", "1", "\ufeff", "\ufeffb", "\ufffd"];
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES, ...SOME_TEXTS).map((it) => Buffer.from(it)) },
  { weight: 3, arbitrary: anyText.map((it) => Buffer.from(it)) },
  // Also 200 characters, whose length takes two bytes.
  { weight: 1, arbitrary: fc.constantFrom("", "x".repeat(200)).map((it) => Buffer.from(it)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }) },
);

/** Fields that no schema here has, and fields of other wire types. */
const oddField = fc.oneof(
  fc.constantFrom([0x08, 0x01], [0x4a, 0x01, 0x61], [0x2b, 0x2c], [0x82, 0x01, 0x01, 0x61]),
  fc.constantFrom([0x0d, 1, 2, 3, 4], [0x8a, 0x00, 0x01, 0x61], [0x10, 0x01], [0x00], [0x07]),
  fc.array(fc.nat(255), { maxLength: 6 }),
);

/** A message of some of these fields, in any order. */
function message(...fields: readonly fc.Arbitrary<Uint8Array>[]): fc.Arbitrary<Uint8Array> {
  const known = fc.oneof(...fields);
  const inOrder = fc.tuple(...fields);
  const odd = oddField.map((it) => Uint8Array.from(it));
  return fc
    .oneof(
      { weight: 4, arbitrary: inOrder },
      { weight: 2, arbitrary: fc.array(known, { maxLength: fields.length + 1 }) },
      { weight: 1, arbitrary: fc.tuple(inOrder, known).map(([all, one]) => [...all, one]) },
      { weight: 1, arbitrary: fc.tuple(known, odd, known) },
    )
    .map((parts) => Buffer.concat(parts));
}

const id = message(field(0x0a, text), field(0x12, text));
const called = message(field(0x0a, text), field(0x12, text), field(0x1a, fc.uint8Array()));
const map = message(field(0x0a, text), field(0x12, text));
const attribute = message(
  field(0x0a, text),
  field(
    0x12,
    fc.oneof(
      { weight: 8, arbitrary: field(0x1a, text) },
      { weight: 1, arbitrary: message(field(0x2a, text), field(0x1a, text), field(0x22, text)) },
      { weight: 1, arbitrary: fc.constantFrom(Uint8Array.of(0x08, 1), Uint8Array.of(0x10, 7)) },
    ),
  ),
);
const data = fc.oneof(field(0x32, fc.uint8Array()), field(0x3a, text), field(0x42, id));
const built = fc
  .array(
    fc.oneof(
      field(
        0x0a,
        message(
          field(0x0a, text),
          field(0x12, id),
          field(0x1a, id),
          field(0x22, text),
          field(0x2a, called),
          field(0x32, map),
        ),
      ),
      field(
        0x12,
        message(field(0x0a, text), field(0x12, called), field(0x1a, text), field(0x22, map)),
      ),
      field(
        0x1a,
        message(
          ...[field(0x0a, text), field(0x12, text), field(0x1a, text), field(0x22, text)],
          ...[field(0x2a, attribute), field(0x2a, attribute), data],
        ),
      ),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

describe("message scan", () => {
  test("message scan - usual frames need no library, and say the same", () => {
    fc.assert(
      fc.property(envelope, (one) => {
        const frame = encodeMessage(one);
        // The replacement character could stand for what is not UTF-8: the library is to say.
        if (!Buffer.from(frame).includes("\ufffd")) {
          expect(scanMessage(frame)).toBeDefined();
        }
        expectSame(frame);
      }),
      { numRuns: 500 },
    );
  });

  test("message scan - frames with any damage are read or refused as by the library", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(envelope, damage, fc.nat(300), (one, changes, cut) => {
        const damaged = Uint8Array.from(encodeMessage(one));
        for (const [at, value] of changes) {
          damaged[at % damaged.length] = value;
        }
        expectSame(damaged);
        expectSame(damaged.slice(0, cut));
      }),
      { numRuns: 1_000 },
    );
  }, 60_000);

  test("message scan - fields again, in any order, unknown, too long or of another type are read as by the library", () => {
    fc.assert(fc.property(built, expectSame), { numRuns: 2_000 });
  }, 60_000);

  const named = [0x0a, 1, 0x31, 0x12, 1, 0x73, 0x22, 1, 0x74];
  const called = [0x0a, 1, 0x31, 0x1a, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62];
  test.each([
    ["an Any in two parts", 0x1a, [...named, 0x42, 3, 0x0a, 1, 0x61, 0x42, 3, 0x12, 1, 0x62]],
    ["an Any whose value comes first", 0x1a, [...named, 0x42, 6, 0x12, 1, 0x62, 0x0a, 1, 0x61]],
    ["an Any with two types", 0x1a, [...named, 0x42, 6, 0x0a, 1, 0x61, 0x0a, 1, 0x62]],
    ["an Any with an empty value", 0x1a, [...named, 0x42, 5, 0x0a, 1, 0x61, 0x12, 0]],
    ["an Any with a length too long", 0x1a, [...named, 0x42, 4, 0x0a, 0x81, 0, 0x61]],
    ["an Any with a field of its own", 0x1a, [...named, 0x42, 6, 0x0a, 1, 0x61, 0x1a, 1, 0x62]],
    ["a text after bytes", 0x1a, [...named, 0x32, 1, 0x78, 0x3a, 1, 0x79]],
    [
      "a target in two parts",
      0x0a,
      [0x0a, 1, 0x31, 0x1a, 3, 0x0a, 1, 0x61, 0x1a, 3, 0x12, 1, 0x62],
    ],
    ["a source in two parts", 0x0a, [...called, 0x12, 3, 0x0a, 1, 0x61, 0x12, 3, 0x12, 1, 0x62]],
    ["a payload in two parts", 0x0a, [...called, 0x2a, 3, 0x0a, 1, 0x61, 0x2a, 3, 0x12, 1, 0x62]],
  ] as const)("message scan - %s is read as by the library", (_what, tag, content) => {
    const frame = Uint8Array.of(tag, content.length, ...content);
    expect(outcome(decodeByLibrary, frame)).not.toHaveProperty("code");
    expectSame(frame);
  });

  test("message scan - noise is read or refused as by the library", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), expectSame), { numRuns: 1_000 });
  });
});
