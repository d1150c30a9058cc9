import { expect, test } from "bun:test";
import { TopicId } from "../../../src/core/topic-id.ts";
import { withAddedHeaders } from "../../../src/wire/autogen/added-headers.ts";
import { decodeMessage, encodeMessage } from "../../../src/wire/autogen/codec.ts";

const EVENT = {
  kind: "event",
  id: "1",
  topic: new TopicId("notes", "kitchen"),
  sender: undefined,
  headers: { traceparent: "old", priority: "high" },
  payload: {
    dataType: "Note",
    contentType: "application/json",
    data: new TextEncoder().encode('{"text":"hello"}'),
  },
} as const;

test("added headers - the bytes as they came stay, and a reader sees the new headers and all else", () => {
  const bytes = encodeMessage(EVENT);
  const came = decodeMessage(bytes);
  if (came.kind !== "event") {
    throw new Error("An event is an event.");
  }
  const changed = withAddedHeaders(came, { traceparent: "new", tracestate: "a=1" });
  const headers = { traceparent: "new", tracestate: "a=1", priority: "high" };
  expect(changed.headers).toEqual(headers);
  expect(changed.payload).toEqual(EVENT.payload);

  const sent = encodeMessage(changed);
  expect(sent.subarray(0, bytes.byteLength)).toEqual(bytes);
  const read = decodeMessage(sent);
  expect(read).toMatchObject({ kind: "event", id: "1", topic: EVENT.topic, headers });
  expect(read.kind === "event" ? read.payload : undefined).toEqual(EVENT.payload);
});

test("added headers - an event that never was on the wire only gets the headers", () => {
  expect(withAddedHeaders(EVENT, { traceparent: "new" })).toEqual({
    ...EVENT,
    headers: { traceparent: "new", priority: "high" },
  });
});
