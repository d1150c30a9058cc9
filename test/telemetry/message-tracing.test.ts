import { expect, test } from "bun:test";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { AgentId, defineAgent, defineMessage, TopicId, TypeSubscription } from "agentrt";
import * as v from "valibot";
import { activeSpan, MessageTracing } from "../../src/telemetry/message-tracing.ts";
import { SingleThreadedAgentRuntime } from "../../src/worker/in-process-runtime.ts";

const Note = defineMessage("Note", v.object({ text: v.string() }));

function traced(isSampled = true) {
  const spans = new InMemorySpanExporter();
  const provider = new TracerProvider({
    ...(isSampled ? {} : { sampler: new AlwaysOffSampler() }),
    spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
  });
  return { spans, provider };
}

function spanNamed(spans: InMemorySpanExporter, name: string): ReadableSpan {
  const found = spans.getFinishedSpans().find((span) => span.name === name);
  if (found === undefined) {
    throw new Error(`There is no span "${name}".`);
  }
  return found;
}

const EVENT = {
  kind: "event",
  id: "1",
  topic: new TopicId("notes", "kitchen"),
  sender: undefined,
  headers: { priority: "high" },
  payload: { dataType: "Note", contentType: "application/json", data: new Uint8Array(0) },
} as const;

test("tracing - what a handler sends is a child of its handling, after an await too", async () => {
  const { spans, provider } = traced();
  await using runtime = new SingleThreadedAgentRuntime({ tracerProvider: provider });
  let seen: string | undefined;
  const relay = defineAgent({
    description: "Passes notes on",
    setup(agent) {
      agent.handleEvent(Note, async (note, { topicId }) => {
        await Bun.sleep(1);
        seen = activeSpan()?.spanContext().spanId;
        activeSpan()?.setAttribute("note.length", note.text.length);
        if (topicId?.type === "first") {
          await agent.publishMessage(note, new TopicId("second", "x"));
        }
      });
    },
  });
  for (const [topic, type] of [
    ["first", "relay"],
    ["second", "end"],
  ] as const) {
    await runtime.registerFactory(type, relay);
    await runtime.addSubscription(new TypeSubscription(topic, type));
  }
  await runtime.start();
  await runtime.publishMessage(Note.of({ text: "hello" }), new TopicId("first", "x"));
  await runtime.idle();

  const [first, second] = spans
    .getFinishedSpans()
    .filter(({ name }) => name === "handle_message")
    .toSorted((a, b) =>
      String(b.attributes["message.agent"]).localeCompare(String(a.attributes["message.agent"])),
    );
  const publish = spanNamed(spans, "publish second");
  expect(publish.parentSpanContext?.spanId).toBe(first?.spanContext().spanId ?? "?");
  expect(second?.parentSpanContext?.spanId).toBe(publish.spanContext().spanId);
  expect(second?.spanContext().traceId).toBe(
    spanNamed(spans, "publish first").spanContext().traceId,
  );
  expect(second?.attributes["note.length"]).toBe(5);
  expect(seen).toBe(second?.spanContext().spanId);
  expect(activeSpan()).toBeUndefined();
});

test("tracing - a handler that throws marks its span and the caller's", async () => {
  const { spans, provider } = traced();
  await using runtime = new SingleThreadedAgentRuntime({ tracerProvider: provider });
  const broken = defineAgent({
    description: "Fails",
    setup(agent) {
      agent.handleRpc(Note, () => {
        throw new TypeError("no such thing");
      });
    },
  });
  await runtime.registerFactory("broken", broken);
  await runtime.start();
  const call = runtime.sendMessage(Note.of({ text: "" }), new AgentId("broken", "one"));
  await expect(call).rejects.toMatchObject({ code: "HANDLER_FAILED" });
  await runtime.idle();

  const handling = spanNamed(spans, "handle_message");
  expect(handling.kind).toBe(SpanKind.SERVER);
  expect(handling.status).toEqual({ code: SpanStatusCode.ERROR, message: "no such thing" });
  expect(handling.attributes["error.type"]).toBe("TypeError");
  expect(handling.events.map(({ name }) => name)).toEqual(["exception"]);
  const send = spanNamed(spans, "send broken");
  expect(send.attributes["error.type"]).toBe("HANDLER_FAILED");
  expect(send.status.code).toBe(SpanStatusCode.ERROR);
});

test("tracing - the span of a handler that hangs ends with its time limit", async () => {
  const { spans, provider } = traced();
  await using runtime = new SingleThreadedAgentRuntime({ tracerProvider: provider });
  const hanging = defineAgent({
    description: "",
    setup: (agent) => agent.handleAnything(() => new Promise(() => undefined)),
  });
  await runtime.registerFactory("hanging", hanging, { handlerTimeoutMs: 5 });
  await runtime.start();
  const call = runtime.sendMessage(Note.of({ text: "hello" }), new AgentId("hanging", "x"));
  await expect(call).rejects.toMatchObject({ code: "DEADLINE" });
  const handling = spanNamed(spans, "handle_message");
  expect(handling.status.code).toBe(SpanStatusCode.ERROR);
  expect(handling.attributes["error.type"]).toBe("DEADLINE");
});

test("tracing - an answer carries the context of its call, and nothing when there is none", () => {
  const tracing = new MessageTracing(traced().provider);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const answer = {
    kind: "response",
    id: "1",
    error: "",
    headers: { "agentrt-code": "DEADLINE" },
    payload: EVENT.payload,
  } as const;
  expect(tracing.answer({ traceparent, priority: "high" }, answer)).toEqual({
    ...answer,
    headers: { "agentrt-code": "DEADLINE", traceparent },
  });
  expect(tracing.answer({}, answer)).toEqual(answer);
});

test("tracing - a route tells the headers of its span, and only when the trace is sampled", () => {
  const told: unknown[] = [];
  const { spans, provider } = traced();
  new MessageTracing(provider).route(EVENT, (headers) => told.push(headers));
  const route = spanNamed(spans, "route notes").spanContext();
  new MessageTracing(traced(false).provider).route(EVENT, (headers) => told.push(headers));
  expect(told).toEqual([{ traceparent: `00-${route.traceId}-${route.spanId}-01` }, undefined]);
});

test("tracing - a route that throws ends its span with the error", () => {
  const { spans, provider } = traced();
  expect(() =>
    new MessageTracing(provider).route(EVENT, () => {
      throw new RangeError("full");
    }),
  ).toThrow(new RangeError("full"));
  expect(spanNamed(spans, "route notes").attributes["error.type"]).toBe("RangeError");
});

test("tracing - a context and its state that the sender gives in the headers is carried on", async () => {
  const { spans, provider } = traced();
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const headers = { traceparent: parent, tracestate: "vendor=1", priority: "low" };
  let sent: Readonly<Record<string, string>> = {};
  await new MessageTracing(provider).send({ ...EVENT, headers }, async (envelope) => {
    sent = envelope.headers;
  });
  const publish = spanNamed(spans, "publish notes");
  expect(publish.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  expect(sent).toEqual({
    priority: "low",
    tracestate: "vendor=1",
    traceparent: `00-0af7651916cd43dd8448eb211c80319c-${publish.spanContext().spanId}-01`,
  });
});

test("tracing - a decision not to sample travels on", async () => {
  let sent: Readonly<Record<string, string>> = {};
  await new MessageTracing(traced(false).provider).send(EVENT, async (envelope) => {
    sent = envelope.headers;
  });
  expect(sent["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});
