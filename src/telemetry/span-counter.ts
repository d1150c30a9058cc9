import { TraceFlags } from "@opentelemetry/api";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";

/** Counts the spans that have to be exported, whatever becomes of them. */
export class SpanCounter implements SpanProcessor {
  #ended = 0;

  get ended(): number {
    return this.#ended;
  }

  onStart(): void {
    // Only the end counts.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) {
      this.#ended += 1;
    }
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
