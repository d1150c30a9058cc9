/** The values that a span's attributes may have. */
export type SpanAttribute = string | number | boolean;

/**
 * What a runtime is given to trace with: a `TracerProvider` of `@opentelemetry/api`. Declared
 * here in its own words, so that the types of agentrt need no other package.
 */
export interface TracerProviderLike {
  getTracer(name: string, version?: string): unknown;
}

/** The span of the message that is being handled: the part of OpenTelemetry's `Span` that a handler needs. */
export interface ActiveSpan {
  spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
  /** False when the trace is not sampled, so that nothing added to it is kept. */
  isRecording(): boolean;
  setAttribute(name: string, value: SpanAttribute): unknown;
  addEvent(name: string, attributes?: Readonly<Record<string, SpanAttribute>>): unknown;
}
