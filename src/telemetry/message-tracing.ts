import {
  type Attributes,
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { AgentId } from "../core/agent-id.ts";
import {
  type EventEnvelope,
  type Headers,
  type RequestEnvelope,
  type ResponseEnvelope,
  withHeaders,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { ActiveSpan, TracerProviderLike } from "../core/tracing.ts";
import { ATTRIBUTE } from "./message-attributes.ts";

/** A message that has a span: an answer has none, because it belongs to its call's. */
export type TracedEnvelope = EventEnvelope | RequestEnvelope;

const propagator = new W3CTraceContextPropagator();

/** The span of the message that is being handled, to add attributes and events to; undefined when nothing is traced. */
export function activeSpan(): ActiveSpan | undefined {
  return trace.getActiveSpan();
}

/**
 * Makes the spans of messages. The context of a trace travels as W3C trace context in the
 * message's headers, which are CloudEvent attributes and RPC metadata on the wire.
 */
export class MessageTracing {
  readonly #tracer: Tracer;

  constructor(provider: TracerProviderLike) {
    this.#tracer = provider.getTracer("agentrt") as Tracer;
    // Without a context manager no handler would find its span. One that the program has set stays.
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  }

  /** Sends a message in a span of its own, which ends when `send` does: for a call, with its answer. */
  async send<E extends TracedEnvelope, R>(
    envelope: E,
    send: (traced: E) => Promise<R>,
  ): Promise<R> {
    const isEvent = envelope.kind === "event";
    const active = context.active();
    const parent =
      trace.getSpan(active) === undefined ? contextOf(active, envelope.headers) : active;
    const span = this.#tracer.startSpan(
      `${isEvent ? "publish" : "send"} ${destinationOf(envelope)}`,
      {
        kind: isEvent ? SpanKind.PRODUCER : SpanKind.CLIENT,
        attributes: {
          ...attributesOf(envelope),
          [ATTRIBUTE.operationName]: isEvent ? "publish" : "send",
          [ATTRIBUTE.operationType]: "send",
          ...(envelope.sender === undefined
            ? {}
            : { [ATTRIBUTE.sender]: envelope.sender.toString() }),
        },
      },
      parent,
    );
    const headers = { ...envelope.headers, ...headersOf(trace.setSpan(parent, span)) };
    const traced =
      envelope.kind === "event"
        ? withHeaders(envelope, headers)
        : requestWithHeaders(envelope, headers);
    return await ending(span, async () => await send(traced as E));
  }

  /**
   * Routes a message in a span of its own. When the trace is sampled, `route` is told the headers
   * that make this span the parent of what the receivers do; otherwise undefined, and the message
   * goes on as it came.
   */
  route(envelope: TracedEnvelope, route: (headers: Headers | undefined) => void): void {
    const parent = contextOf(ROOT_CONTEXT, envelope.headers);
    const span = this.#tracer.startSpan(
      `route ${destinationOf(envelope)}`,
      {
        kind: SpanKind.INTERNAL,
        attributes: { ...attributesOf(envelope), [ATTRIBUTE.operationName]: "route" },
      },
      parent,
    );
    const isSampled = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
    try {
      route(isSampled ? headersOf(trace.setSpan(parent, span)) : undefined);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  /** Handles a message in a span that is active meanwhile, so that what the handler sends is its child. */
  async handle<R>(agent: AgentId, envelope: TracedEnvelope, handle: () => Promise<R>): Promise<R> {
    const parent = contextOf(ROOT_CONTEXT, envelope.headers);
    const span = this.#tracer.startSpan(
      "handle_message",
      {
        kind: envelope.kind === "event" ? SpanKind.CONSUMER : SpanKind.SERVER,
        attributes: {
          ...attributesOf(envelope),
          [ATTRIBUTE.operationName]: "handle_message",
          [ATTRIBUTE.operationType]: "process",
          [ATTRIBUTE.agent]: agent.toString(),
          ...(envelope.sender === undefined
            ? {}
            : { [ATTRIBUTE.sender]: envelope.sender.toString() }),
        },
      },
      parent,
    );
    return await ending(span, () => context.with(trace.setSpan(parent, span), handle));
  }

  /** Puts an answer into the trace of its call, whose headers are given. */
  answer(callHeaders: Headers, answer: ResponseEnvelope): ResponseEnvelope {
    const added = headersOf(contextOf(ROOT_CONTEXT, callHeaders));
    return { ...answer, headers: { ...answer.headers, ...added } };
  }
}

/** Field by field, because some calls make theirs when these are asked for. */
function requestWithHeaders(request: RequestEnvelope, headers: Headers): RequestEnvelope {
  const { kind, id, target, sender, method, payload } = request;
  return { kind, id, target, sender, method, headers, payload };
}

async function ending<R>(span: Span, act: () => Promise<R>): Promise<R> {
  try {
    return await act();
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function fail(span: Span, thrown: unknown): void {
  const error = AgentrtError.from(thrown);
  const kind =
    thrown instanceof AgentrtError || !(thrown instanceof Error) ? error.code : thrown.name;
  span.recordException(thrown instanceof Error ? thrown : error);
  span.setAttribute(ATTR_ERROR_TYPE, kind);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}

function contextOf(base: Context, headers: Headers): Context {
  return propagator.extract(base, headers, defaultTextMapGetter);
}

function headersOf(of: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(of, headers, defaultTextMapSetter);
  return headers;
}

/** The part of the destination that has few values, as span names must. */
function destinationOf(envelope: TracedEnvelope): string {
  return envelope.kind === "event" ? envelope.topic.type : envelope.target.type;
}

function attributesOf(envelope: TracedEnvelope): Attributes {
  return {
    [ATTRIBUTE.system]: "agentrt",
    [ATTRIBUTE.destination]: destinationOf(envelope),
    [ATTRIBUTE.messageId]: envelope.id,
    ...(envelope.kind === "event"
      ? { [ATTRIBUTE.topic]: envelope.topic.toString() }
      : { [ATTRIBUTE.agent]: envelope.target.toString() }),
  };
}
