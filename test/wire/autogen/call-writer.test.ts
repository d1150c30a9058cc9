import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { Payload, RequestEnvelope, ResponseEnvelope } from "../../../src/core/envelope.ts";
import { writeRequest, writeResponse } from "../../../src/wire/autogen/call-writer.ts";
import { MessageSchema } from "../../../src/wire/gen/agents/agent_worker_pb.ts";
import { agentId, anyHeaders } from "../../kit/arbitraries.ts";

// Also long texts, whose length takes two bytes, and half surrogate pairs.
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200, size: "max" }),
  fc.string({ unit: fc.constantFrom("\ud800", "\udc00", "a", "é") }),
  fc.constant(""),
);
const payload = fc.record({
  dataType: text,
  contentType: text,
  data: fc.uint8Array({ maxLength: 20_000, size: "max" }),
});
const request: fc.Arbitrary<RequestEnvelope> = fc.record({
  kind: fc.constant("request" as const),
  id: text,
  target: agentId,
  sender: fc.option(agentId, { nil: undefined }),
  method: text,
  headers: anyHeaders,
  payload,
});
const response: fc.Arbitrary<ResponseEnvelope> = fc.record({
  kind: fc.constant("response" as const),
  id: text,
  error: text,
  headers: anyHeaders,
  payload,
});

type Init = MessageInitShape<typeof MessageSchema>;

function byLibrary(message: NonNullable<Init["message"]>): Buffer {
  return Buffer.from(toBinary(MessageSchema, create(MessageSchema, { message })));
}

function fieldsOf({ dataType, contentType, data }: Payload) {
  return { dataType, dataContentType: contentType, data };
}

test("call writer - a request has the very bytes that the library writes", () => {
  fc.assert(
    fc.property(request, (one) => {
      const { id, target, sender, method, headers } = one;
      const expected = byLibrary({
        case: "request",
        value: {
          requestId: id,
          target: { type: target.type, key: target.key },
          ...(sender === undefined ? {} : { source: { type: sender.type, key: sender.key } }),
          method,
          payload: fieldsOf(one.payload),
          metadata: headers,
        },
      });
      expect(Buffer.from(writeRequest(one)).equals(expected)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("call writer - a response has the very bytes that the library writes, its payload always among them", () => {
  fc.assert(
    fc.property(response, (one) => {
      const { id, error, headers } = one;
      const expected = byLibrary({
        case: "response",
        value: { requestId: id, error, payload: fieldsOf(one.payload), metadata: headers },
      });
      expect(Buffer.from(writeResponse(one)).equals(expected)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
