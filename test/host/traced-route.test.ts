import { expect, test } from "bun:test";
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { AgentId } from "../../src/core/agent-id.ts";
import type { Envelope } from "../../src/core/envelope.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { tracedRoute } from "../../src/host/traced-route.ts";
import { MessageTracing } from "../../src/telemetry/message-tracing.ts";
import { decodeMessage, encodeMessage } from "../../src/wire/autogen/codec.ts";

const MIB = 1024 * 1024;
const payload = { dataType: "Note", contentType: "application/json", data: new Uint8Array(2_000) };
const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const EVENT = decodeMessage(
  encodeMessage({
    kind: "event",
    id: "1",
    topic: new TopicId("notes", "x"),
    sender: undefined,
    headers: { traceparent: PARENT },
    payload,
  }),
);
const REQUEST: Envelope = {
  kind: "request",
  id: "1",
  target: new AgentId("callee", "x"),
  sender: undefined,
  method: "",
  headers: { traceparent: PARENT },
  payload,
};
const RESPONSE: Envelope = { kind: "response", id: "1", error: "", headers: {}, payload };

function routed(
  envelope: Envelope,
  isSampled: boolean | undefined,
  maxMessageBytes = MIB,
): { readonly passed: Envelope; readonly spans: InMemorySpanExporter } {
  const spans = new InMemorySpanExporter();
  const provider = new TracerProvider({
    ...(isSampled === true ? {} : { sampler: new AlwaysOffSampler() }),
    spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
  });
  const passed: Envelope[] = [];
  const tracing = isSampled === undefined ? undefined : new MessageTracing(provider);
  tracedRoute(tracing, maxMessageBytes, envelope, (message) => passed.push(message));
  const [only] = passed;
  if (only === undefined || passed.length > 1) {
    throw new Error(`${passed.length} messages were routed instead of one.`);
  }
  return { passed: only, spans };
}

test.each([
  ["an event", EVENT],
  ["a call", REQUEST],
])("traced route - %s of a sampled trace goes on as a child of the route", (_, envelope) => {
  const { passed, spans } = routed(envelope, true);
  const [span] = spans.getFinishedSpans();
  expect(span?.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  const traceparent = `00-0af7651916cd43dd8448eb211c80319c-${span?.spanContext().spanId}-01`;
  expect(passed.headers).toEqual({ traceparent });
  expect(decodeMessage(encodeMessage(passed)).headers).toEqual({ traceparent });
});

test.each([
  ["without tracing", EVENT, undefined, MIB],
  ["of a trace that is not sampled", EVENT, false, MIB],
  ["that would be over the size limit", EVENT, true, 3_000],
  ["that is a call over the size limit", REQUEST, true, 3_000],
  ["that is an answer", RESPONSE, true, MIB],
])("traced route - a message %s is passed on untouched", (_, envelope, isSampled, limit) => {
  expect(routed(envelope, isSampled, limit).passed).toBe(envelope);
});
