import { type Envelope, type Headers, sizeOf } from "../core/envelope.ts";
import type { MessageTracing, TracedEnvelope } from "../telemetry/message-tracing.ts";
import { withAddedHeaders } from "../wire/autogen/added-headers.ts";
import { plainRequest } from "./call-frames.ts";

/** The most that a trace context adds to a message: W3C allows 512 characters of `tracestate`. */
const TRACE_CONTEXT_BYTES = 1_024;

/**
 * Routes a message, in a span when messages are traced. The message goes on as it came unless its
 * trace is sampled; then its trace context becomes the span's, so that the receivers' spans are
 * children of it. A message so near the limit that it would not pass with that is left as it is.
 */
export function tracedRoute(
  tracing: MessageTracing | undefined,
  maxMessageBytes: number,
  envelope: Envelope,
  route: (envelope: Envelope) => void,
): void {
  if (tracing === undefined || envelope.kind === "response") {
    route(envelope);
    return;
  }
  tracing.route(envelope, (headers) => {
    const isChanged = headers !== undefined && hasRoom(envelope, maxMessageBytes);
    route(isChanged ? withHeaders(envelope, headers) : envelope);
  });
}

function hasRoom(envelope: TracedEnvelope, maxMessageBytes: number): boolean {
  return sizeOf(envelope) + TRACE_CONTEXT_BYTES <= maxMessageBytes;
}

function withHeaders(envelope: TracedEnvelope, added: Headers): TracedEnvelope {
  return envelope.kind === "event"
    ? withAddedHeaders(envelope, added)
    : plainRequest(envelope, envelope.id, { ...envelope.headers, ...added });
}
