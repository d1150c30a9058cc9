import { describe, expect, test } from "bun:test";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import { BYTES_CONTENT_TYPE, JSON_CONTENT_TYPE } from "../../src/core/envelope.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import {
  BytesMessage,
  defineBytes,
  defineMessage,
  type MessageType,
  messageTypeOf,
} from "../../src/core/message-type.ts";
import { thrownBy } from "../kit/thrown.ts";

interface Reading {
  readonly celsius: number;
  readonly where: { readonly room: string };
}

const LIBRARIES: Readonly<Record<string, MessageType<Reading>>> = {
  valibot: defineMessage(
    "Reading",
    v.object({ celsius: v.number(), where: v.object({ room: v.string() }) }),
  ),
  zod: defineMessage(
    "Reading",
    z.object({ celsius: z.number(), where: z.object({ room: z.string() }) }),
  ),
  arktype: defineMessage("Reading", type({ celsius: "number", where: { room: "string" } })),
};

const reading: Reading = { celsius: 21.5, where: { room: "Küche 厨房" } };
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe.each(Object.entries(LIBRARIES))("message type - %s", (_library, Reading) => {
  test("message type - a value comes back from its bytes as it was, marked", () => {
    const decoded = Reading.decode(Reading.encode(Reading.of(reading)));
    expect(decoded).toEqual(reading);
    expect(Reading.is(decoded)).toBe(true);
    expect(messageTypeOf(decoded)).toBe(Reading as MessageType<never> as MessageType);
    expect(Reading).toMatchObject({ name: "Reading", contentType: JSON_CONTENT_TYPE });
  });

  test("message type - a value that was not made by it is not of it", () => {
    expect(Reading.is({ ...reading })).toBe(false);
    expect(Reading.is(undefined)).toBe(false);
    const Other = defineMessage("Reading", v.object({ celsius: v.number() }));
    expect(Reading.is(Other.of({ celsius: 1 }))).toBe(false);
    expect(messageTypeOf({})).toBeUndefined();
  });

  test("message type - a mismatch is an error that names the field", () => {
    const wrong = { celsius: "warm", where: { room: "kitchen" } };
    for (const step of [
      () => Reading.of(wrong as unknown as Reading),
      () => Reading.encode(wrong as unknown as Reading),
      () => Reading.decode(json(wrong)),
    ]) {
      const error = thrownBy(step);
      expect(error.code).toBe("INVALID_MESSAGE");
      expect(error.message).toStartWith("Reading.celsius: ");
      expect(error.data).toEqual({ messageType: "Reading", field: "celsius" });
    }
  });

  test("message type - a field within a field is named by its path", () => {
    const error = thrownBy(() => Reading.decode(json({ celsius: 1, where: { room: 7 } })));
    expect(error.message).toStartWith("Reading.where.room: ");
    expect(error.data["field"]).toBe("where.room");
  });

  test("message type - a missing field is named, and more problems are counted", () => {
    const error = thrownBy(() => Reading.decode(json({ where: {} })));
    expect(error.data["field"]).toBe("celsius");
    expect(error.message).toEndWith(" (and 1 more)");
  });

  test("message type - data that is no object at all is refused", () => {
    for (const value of [null, 1, "text", []]) {
      expect(thrownBy(() => Reading.decode(json(value))).code).toBe("INVALID_MESSAGE");
    }
  });
});

test("message type - bytes that are not JSON in UTF-8 are refused with a reason", () => {
  const Reading = LIBRARIES["valibot"] as MessageType<Reading>;
  const badText = json(reading);
  badText[badText.length - 4] = 0xff;
  for (const bytes of [Uint8Array.of(0xff), badText, json({}).slice(1), new Uint8Array(0)]) {
    const error = thrownBy(() => Reading.decode(bytes));
    expect(error.code).toBe("INVALID_MESSAGE");
    expect(error.message).toStartWith("The data of a Reading message is not JSON text in UTF-8: ");
  }
});

test("message type - a value that JSON cannot write is refused with a reason", () => {
  const Large = defineMessage("Large", v.object({ count: v.bigint() }));
  const error = thrownBy(() => Large.encode(Large.of({ count: 1n })));
  expect(error.code).toBe("INVALID_MESSAGE");
  expect(error.message).toStartWith("A Large message cannot be written as JSON: ");
});

test("message type - a schema that answers later is refused with a reason", () => {
  const Later = defineMessage(
    "Later",
    v.objectAsync({
      name: v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    }),
  );
  const error = thrownBy(() => Later.of({ name: "x" }));
  expect([error.code, error.message]).toEqual([
    "INVALID_MESSAGE",
    "The schema of Later checks asynchronously; a message type needs one that answers at once.",
  ]);
});

test("message type - a plain function checks, and its complaint names the message", () => {
  const Size = defineMessage("Size", (value): { metres: number } => {
    const { metres } = Object(value);
    if (typeof metres !== "number") {
      throw new TypeError("metres must be a number");
    }
    return { metres };
  });
  const size = Size.of({ metres: 3 });
  expect(Size.is(size)).toBe(true);
  expect(Size.decode(Size.encode(size))).toEqual({ metres: 3 });
  try {
    Size.decode(new TextEncoder().encode("{}"));
    expect.unreachable();
  } catch (error) {
    const { code, message } = AgentrtError.from(error);
    expect([code, message]).toEqual(["INVALID_MESSAGE", "Size: metres must be a number"]);
  }
});

describe("message type - bytes", () => {
  const Frame = defineBytes("Frame");
  const bytes = new Uint8Array([0, 255, 7]);

  test("bytes - go out and come back as the same bytes, not copied, with their type", () => {
    const frame = Frame.of(bytes);
    expect(frame).toBeInstanceOf(BytesMessage);
    expect(Frame.encode(frame)).toBe(bytes);
    const decoded = Frame.decode(bytes);
    expect(decoded.bytes).toBe(bytes);
    expect(Frame.is(decoded)).toBe(true);
    expect(messageTypeOf(decoded)).toBe(Frame as MessageType<never> as MessageType);
    expect(Frame).toMatchObject({ name: "Frame", contentType: BYTES_CONTENT_TYPE });
  });

  test("bytes - no bytes and a message of another bytes type are bytes, too", () => {
    const Other = defineBytes("Other");
    expect(Frame.of(new Uint8Array(0)).bytes).toHaveLength(0);
    const converted = Frame.of(Other.of(bytes));
    expect([Frame.is(converted), Other.is(converted)]).toEqual([true, false]);
    expect(converted.bytes).toBe(bytes);
  });

  test("bytes - bare bytes are no message, and anything else is refused", () => {
    expect(Frame.is(bytes)).toBe(false);
    expect(messageTypeOf(bytes)).toBeUndefined();
    for (const wrong of ["text", [1, 2], new ArrayBuffer(2), { bytes: "text" }, null]) {
      const { code, message, data } = thrownBy(() => Frame.of(wrong as unknown as Uint8Array));
      expect([code, message, data]).toEqual([
        "INVALID_MESSAGE",
        "A Frame message is made of bytes: give of() a Uint8Array.",
        { messageType: "Frame", field: "" },
      ]);
    }
  });
});

test("message type - is known of frozen values too, may change, and shows nowhere", () => {
  const check = (value: unknown): object => Object(value);
  const [A, B] = [defineMessage("A", check), defineMessage("B", check)];
  const frozenBefore = A.of(Object.freeze({ n: 1 }));
  const frozenAfter = Object.freeze(A.of({ n: 1 }));
  const open = A.of({ n: 1 });
  for (const value of [frozenBefore, frozenAfter, open]) {
    expect([messageTypeOf(value), Reflect.ownKeys(value)]).toEqual([A, ["n"]]);
    expect(messageTypeOf({ ...value })).toBeUndefined();
    expect([A.is(value), B.is(value)]).toEqual([true, false]);
    B.of(value);
    expect([A.is(value), B.is(value)]).toEqual([false, true]);
  }
});
