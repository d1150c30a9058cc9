import type { MessageTracing, TracedEnvelope } from "../telemetry/message-tracing.ts";

/** Sends a message, in a span when messages are traced. */
export function tracedSend<E extends TracedEnvelope, R>(
  tracing: MessageTracing | undefined,
  envelope: E,
  send: (envelope: E) => Promise<R>,
): Promise<R> {
  return tracing === undefined ? send(envelope) : tracing.send(envelope, send);
}
