import { expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { PROTOBUF_CONTENT_TYPE } from "../../src/core/envelope.ts";
import { messageTypeOf } from "../../src/core/message-type.ts";
import { protobufMessage } from "../../src/wire/protobuf-message.ts";
import { anyText } from "../kit/arbitraries.ts";
import { thrownBy } from "../kit/thrown.ts";
import { ReadingSchema } from "../proto/gen/agentrt/test/v1/reading_pb.ts";

const Reading = protobufMessage(ReadingSchema);

test("protobuf message - its name is the full message name, its data an Any", () => {
  expect(Reading).toMatchObject({
    name: "agentrt.test.v1.Reading",
    contentType: PROTOBUF_CONTENT_TYPE,
  });
  const any = fromBinary(AnySchema, Reading.encode(create(ReadingSchema, { sensor: "s" })));
  expect(any.typeUrl).toBe("type.googleapis.com/agentrt.test.v1.Reading");
});

test("protobuf message - a value comes back from its bytes as it was, marked", () => {
  fc.assert(
    fc.property(anyText, fc.double(), (sensor, celsius) => {
      const value = Reading.of(create(ReadingSchema, { sensor, celsius }));
      expect(messageTypeOf(value)).toBe(Reading as never);
      const decoded = Reading.decode(Reading.encode(value));
      expect([decoded.sensor, decoded.celsius]).toEqual([sensor, celsius]);
      expect(messageTypeOf(decoded)).toBe(Reading as never);
      expect(Reading.is(decoded)).toBe(true);
    }),
  );
});

test("protobuf message - what is no such message is refused with a reason", () => {
  const plain = { sensor: "s", celsius: 1 } as never;
  expect(thrownBy(() => Reading.of(plain))).toMatchObject({
    code: "INVALID_MESSAGE",
    message:
      "The value is not a agentrt.test.v1.Reading. Make it with create() of @bufbuild/protobuf.",
  });
  expect(Reading.is(plain)).toBe(false);
  const Span = protobufMessage(DurationSchema);
  const tooLarge = create(DurationSchema, { nanos: 2 ** 40 });
  expect(thrownBy(() => Span.encode(tooLarge))).toMatchObject({
    code: "INVALID_MESSAGE",
    message: expect.stringContaining("google.protobuf.Duration.nanos"),
  });
});

test("protobuf message - an Any of another type and bytes that are none are refused", () => {
  const other = toBinary(AnySchema, anyPack(DurationSchema, create(DurationSchema, {})));
  expect(thrownBy(() => Reading.decode(other))).toMatchObject({
    code: "INVALID_MESSAGE",
    message: "The data is a protobuf Any, but not of agentrt.test.v1.Reading.",
  });
  expect(thrownBy(() => Reading.decode(Uint8Array.of(0xff))).code).toBe("INVALID_MESSAGE");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      expect(thrownBy(() => Reading.decode(noise)).code).toBe("INVALID_MESSAGE");
    }),
  );
});
