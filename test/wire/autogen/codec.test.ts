import { describe, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { AgentId } from "../../../src/core/agent-id.ts";
import {
  EMPTY_PAYLOAD,
  type Envelope,
  type EventEnvelope,
  JSON_CONTENT_TYPE,
  type Payload,
  PROTOBUF_CONTENT_TYPE,
  sizeOf,
} from "../../../src/core/envelope.ts";
import { TopicId } from "../../../src/core/topic-id.ts";
import { decodeMessage, encodeMessage } from "../../../src/wire/autogen/codec.ts";
import { MessageSchema } from "../../../src/wire/gen/agents/agent_worker_pb.ts";
import { agentId, anyHeaders, anyText, bytes, someText, topicId } from "../../kit/arbitraries.ts";
import { thrownBy } from "../../kit/thrown.ts";
import { ReadingSchema } from "../../proto/gen/agentrt/test/v1/reading_pb.ts";

const PROTOCOL_ATTRIBUTES = [
  "datacontenttype",
  "dataschema",
  "agagentsendertype",
  "agagentsenderkey",
  "agmsgkind",
];

const anyBytes = fc
  .record({ sensor: anyText, celsius: fc.double({ noNaN: true }) })
  .map((reading) => toBinary(AnySchema, anyPack(ReadingSchema, create(ReadingSchema, reading))));
const payload: fc.Arbitrary<Payload> = fc.oneof(
  fc.record({ dataType: anyText, contentType: fc.constant(JSON_CONTENT_TYPE), data: bytes }),
  fc.record({ dataType: anyText, contentType: fc.constant(PROTOBUF_CONTENT_TYPE), data: anyBytes }),
);
const sender = fc.option(agentId, { nil: undefined });
const requestId = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });

const event: fc.Arbitrary<EventEnvelope> = fc.record({
  kind: fc.constant("event" as const),
  id: someText,
  topic: topicId,
  sender,
  headers: anyHeaders.map((headers) =>
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => !PROTOCOL_ATTRIBUTES.includes(name)),
    ),
  ),
  payload,
});
const request = fc.record({
  kind: fc.constant("request" as const),
  id: requestId,
  target: agentId,
  sender,
  method: anyText,
  headers: anyHeaders,
  payload,
});
const response = fc.record({
  kind: fc.constant("response" as const),
  id: requestId,
  error: anyText,
  headers: anyHeaders,
  payload,
});

/** All that an envelope says, as plain values that compare by content. */
function plain(envelope: Envelope): unknown {
  const { kind, id, headers } = envelope;
  const { dataType, contentType, data } = envelope.payload;
  return {
    kind,
    id,
    // As entries: an own `__proto__` is a header like any other.
    headers: Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)),
    payload: [dataType, contentType, Buffer.from(data).toString("hex")],
    ...(envelope.kind === "response"
      ? { error: envelope.error }
      : { sender: `${envelope.sender}` }),
    ...(envelope.kind === "event" ? { topic: String(envelope.topic) } : {}),
    ...(envelope.kind === "request"
      ? { target: String(envelope.target), method: envelope.method }
      : {}),
  };
}

describe("codec - round trip", () => {
  test.each([
    ["events", event],
    ["requests", request],
    ["responses", response],
  ] as readonly [string, fc.Arbitrary<Envelope>][])(
    "codec - %s come back as they were, with JSON and with protobuf data",
    (_kind, envelopes) => {
      fc.assert(
        fc.property(envelopes, (envelope) => {
          expect(plain(decodeMessage(encodeMessage(envelope)))).toEqual(plain(envelope));
        }),
        { numRuns: 300 },
      );
    },
  );

  test("codec - an event that came in is passed on with the very same bytes", () => {
    fc.assert(
      fc.property(event, (envelope) => {
        const frame = encodeMessage(envelope);
        const decoded = decodeMessage(frame);
        expect(encodeMessage(decoded)).toBe(frame);
        expect(sizeOf(decoded)).toBe(256 + frame.byteLength);
      }),
    );
  });

  test("codec - half a surrogate pair in a text becomes a replacement character, not a failure", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("\ud800", "\udc00", "a") }), (text) => {
        const envelope: EventEnvelope = {
          kind: "event",
          id: `i${text}`,
          topic: new TopicId("t", `s${text}`),
          sender: undefined,
          headers: { note: text },
          payload: EMPTY_PAYLOAD,
        };
        expect(decodeMessage(encodeMessage(envelope)).headers["note"]).toBe(text.toWellFormed());
      }),
    );
  });
});

function frame(message: Parameters<typeof create<typeof MessageSchema>>[1]): Uint8Array {
  return toBinary(MessageSchema, create(MessageSchema, message));
}

function cloudEvent(more: object): Uint8Array {
  const value = { id: "1", type: "topic", source: "source", specVersion: "1.0", ...more };
  return frame({ message: { case: "cloudEvent", value } });
}

describe("codec - what AutoGen's workers send", () => {
  test("codec - an event is a CloudEvent with AutoGen's attributes", () => {
    const text = (value: string) => ({ attr: { case: "ceString" as const, value } });
    const expected = cloudEvent({
      attributes: {
        priority: text("high"),
        datacontenttype: text(JSON_CONTENT_TYPE),
        dataschema: text("Reading"),
        agagentsendertype: text("sensor"),
        agagentsenderkey: text("kitchen"),
        agmsgkind: text("publish"),
      },
      data: { case: "binaryData", value: Buffer.from("{}") },
    });
    const encoded = encodeMessage({
      kind: "event",
      id: "1",
      topic: new TopicId("topic", "source"),
      sender: new AgentId("sensor", "kitchen"),
      headers: { priority: "high" },
      payload: { dataType: "Reading", contentType: JSON_CONTENT_TYPE, data: Buffer.from("{}") },
    });
    expect(Buffer.from(encoded)).toEqual(Buffer.from(expected));
  });

  test("codec - nobody is the sender when both parts are `unknown`, empty or absent", () => {
    const senderOf = (type: string, key: string): unknown => {
      const decoded = decodeMessage(
        cloudEvent({
          attributes: {
            agagentsendertype: { attr: { case: "ceString", value: type } },
            agagentsenderkey: { attr: { case: "ceString", value: key } },
          },
        }),
      );
      return decoded.kind === "event" && decoded.sender?.toString();
    };
    expect(senderOf("unknown", "unknown")).toBeUndefined();
    expect(senderOf("", "")).toBeUndefined();
    expect(senderOf("unknown", "key")).toBe("unknown/key");
    const without = decodeMessage(cloudEvent({}));
    expect(without.kind === "event" && without.sender).toBeUndefined();
  });

  test("codec - text data, no data and attributes of every kind are read", () => {
    const textData = decodeMessage(cloudEvent({ data: { case: "textData", value: "grüezi" } }));
    expect(Buffer.from(textData.payload.data).toString()).toBe("grüezi");
    expect(decodeMessage(cloudEvent({})).payload.data.byteLength).toBe(0);
    const { headers } = decodeMessage(
      cloudEvent({
        attributes: {
          boolean: { attr: { case: "ceBoolean", value: true } },
          integer: { attr: { case: "ceInteger", value: -7 } },
          string: { attr: { case: "ceString", value: "s" } },
          bytes: { attr: { case: "ceBytes", value: Uint8Array.of(1, 2) } },
          uri: { attr: { case: "ceUri", value: "https://example.org/" } },
          uriref: { attr: { case: "ceUriRef", value: "/x" } },
          timestamp: { attr: { case: "ceTimestamp", value: { seconds: 86_400n, nanos: 0 } } },
          nothing: {},
        },
      }),
    );
    expect(headers).toEqual({
      boolean: "true",
      integer: "-7",
      string: "s",
      bytes: "AQI=",
      uri: "https://example.org/",
      uriref: "/x",
      timestamp: "1970-01-02T00:00:00.000Z",
      nothing: "",
    });
  });

  test("codec - a response always has a payload, which .NET workers insist on", () => {
    const bytesOfError = encodeMessage({
      kind: "response",
      id: "1",
      error: "no",
      headers: {},
      payload: EMPTY_PAYLOAD,
    });
    const expected = frame({
      message: { case: "response", value: { requestId: "1", error: "no", payload: {} } },
    });
    expect(Buffer.from(bytesOfError)).toEqual(Buffer.from(expected));
  });

  test("codec - a call without a source or with an empty one comes from nobody", () => {
    for (const source of [{}, { source: {} }]) {
      const value = { requestId: "1", target: { type: "a", key: "b" }, ...source };
      const decoded = decodeMessage(frame({ message: { case: "request", value } }));
      expect(decoded.kind === "request" && decoded.sender).toBeUndefined();
    }
  });
});

describe("codec - bad frames", () => {
  const target = { type: "agent", key: "key" };
  test.each([
    ["an empty message", new Uint8Array(0), "BAD_FRAME", {}],
    ["no protobuf", Uint8Array.of(0xff, 0xff), "BAD_FRAME", { isUnreadable: true }],
    ["invalid UTF-8", Buffer.from("1a030a01ff", "hex"), "BAD_FRAME", { isUnreadable: true }],
    ["an event without id", cloudEvent({ id: "" }), "BAD_FRAME", {}],
    ["an illegal topic type", cloudEvent({ type: "a b" }), "INVALID_TOPIC", {}],
    ["an empty topic source", cloudEvent({ source: "" }), "INVALID_TOPIC", {}],
    [
      "a sender type without a key",
      cloudEvent({ attributes: { agagentsendertype: { attr: { case: "ceString", value: "a" } } } }),
      "INVALID_AGENT_ID",
      {},
    ],
    [
      "a time that no calendar has",
      cloudEvent({
        attributes: { time: { attr: { case: "ceTimestamp", value: { seconds: 1n << 62n } } } },
      }),
      "BAD_FRAME",
      {},
    ],
    [
      "a request without id",
      frame({ message: { case: "request", value: { target } } }),
      "BAD_FRAME",
      {},
    ],
    [
      "a request with an endless id",
      frame({ message: { case: "request", value: { target, requestId: "1".repeat(256) } } }),
      "BAD_FRAME",
      {},
    ],
    [
      "a request without target",
      frame({ message: { case: "request", value: { requestId: "7" } } }),
      "BAD_FRAME",
      { requestId: "7" },
    ],
    [
      "an illegal target",
      frame({
        message: { case: "request", value: { requestId: "7", target: { type: "a b", key: "k" } } },
      }),
      "INVALID_AGENT_ID",
      { requestId: "7" },
    ],
    [
      "an illegal source",
      frame({
        message: { case: "request", value: { requestId: "7", target, source: { type: "a" } } },
      }),
      "INVALID_AGENT_ID",
      { requestId: "7" },
    ],
    ["a response without id", frame({ message: { case: "response", value: {} } }), "BAD_FRAME", {}],
  ] as const)("codec - %s is refused", (_what, bad, code, data) => {
    const error = thrownBy(() => decodeMessage(bad));
    expect([error.code, error.data]).toEqual([code, data]);
  });

  test("codec - groups nested without end are refused, not followed", () => {
    const error = thrownBy(() => decodeMessage(new Uint8Array(1_000_000).fill(0x0b)));
    expect([error.code, error.data]).toEqual(["BAD_FRAME", { isUnreadable: true }]);
  });

  test("codec - data marked as protobuf that is none is refused", () => {
    const error = thrownBy(() =>
      encodeMessage({
        kind: "event",
        id: "1",
        topic: new TopicId("t", "s"),
        sender: undefined,
        headers: {},
        payload: { dataType: "x", contentType: PROTOBUF_CONTENT_TYPE, data: Uint8Array.of(255) },
      }),
    );
    expect(error.code).toBe("INVALID_MESSAGE");
  });

  test("codec - random bytes give an envelope or an AgentrtError, nothing else", () => {
    const decodable = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Real frames with damage go deeper than noise does.
      fc
        .tuple(fc.oneof(event, request, response), fc.array(fc.tuple(fc.nat(), fc.nat(255))))
        .map(([envelope, damage]) => {
          const damaged = Uint8Array.from(encodeMessage(envelope));
          for (const [at, value] of damage) {
            damaged[at % damaged.length] = value;
          }
          return damaged;
        }),
      fc.tuple(event, fc.nat()).map(([one, cut]) => {
        const whole = encodeMessage(one);
        return whole.slice(0, cut % whole.length);
      }),
    );
    fc.assert(
      fc.property(decodable, (noise) => {
        try {
          const { payload: read } = decodeMessage(noise);
          expect(read.data.byteLength).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toHaveProperty("name", "AgentrtError");
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
