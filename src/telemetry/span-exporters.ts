import { type FileHandle, open } from "node:fs/promises";
import { getLogger } from "@logtape/logtape";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode, hrTimeToMilliseconds } from "@opentelemetry/core";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import { AgentrtError, messageOf } from "../core/errors.ts";

const logger = getLogger(["agentrt", "telemetry"]);

type Done = (result: ExportResult) => void;

/** Writes spans somewhere as text; what fails is the result of the export. */
class TextExporter implements SpanExporter {
  readonly #write: (spans: ReadableSpan[]) => Promise<void>;
  readonly #close: () => Promise<void>;

  constructor(write: (spans: ReadableSpan[]) => Promise<void>, close: () => Promise<void>) {
    this.#write = write;
    this.#close = close;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#write(spans).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: unknown) => done({ code: ExportResultCode.FAILED, error: AgentrtError.from(error) }),
    );
  }

  async shutdown(): Promise<void> {
    await this.#close();
  }
}

/** One line a span, for a person. */
export function consoleExporter(print: (text: string) => Promise<void>): SpanExporter {
  return new TextExporter(
    async (spans) => await print(spans.map((span) => `${lineOf(span)}\n`).join("")),
    async () => undefined,
  );
}

/**
 * Appends to a file in the form of OpenTelemetry's file exporters: each line is one OTLP export
 * request as JSON, which a collector reads with its `otlp_json_file` receiver.
 * @throws AgentrtError `INVALID_OPTION` when the file cannot be opened
 */
export async function fileExporter(path: string): Promise<SpanExporter> {
  let file: FileHandle;
  try {
    file = await open(path, "a");
  } catch (error) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `Spans cannot be written to ${path}: ${messageOf(error)}. Name a file in a folder that exists and can be written.`,
      { cause: error },
    );
  }
  return new TextExporter(
    async (spans) => {
      const request = JsonTraceSerializer.serializeRequest(spans);
      await file.appendFile(`${new TextDecoder().decode(request)}\n`);
    },
    async () => await file.close(),
  );
}

/**
 * Says in the log once when spans stop arriving, and once when they arrive again. The library is
 * told that all is well, since it would report each failure in a way of its own.
 */
export class SayingExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #target: string;
  #isFailing = false;
  #lost = 0;
  #exported = 0;

  constructor(inner: SpanExporter, target: string) {
    this.#inner = inner;
    this.#target = target;
  }

  /** Spans that arrived. */
  get exported(): number {
    return this.#exported;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#inner.export(spans, (result) => {
      if (result.code === ExportResultCode.FAILED) {
        this.#failed(spans.length, result.error);
      } else {
        this.#succeeded(spans.length);
      }
      done({ code: ExportResultCode.SUCCESS });
    });
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }

  #succeeded(count: number): void {
    this.#exported += count;
    if (this.#isFailing) {
      logger.info("spans are exported again", { target: this.#target, lost: this.#lost });
      this.#isFailing = false;
      this.#lost = 0;
    }
  }

  #failed(count: number, error: Error | undefined): void {
    this.#lost += count;
    if (!this.#isFailing) {
      this.#isFailing = true;
      logger.warn("spans cannot be exported and are lost; messages are not affected", {
        target: this.#target,
        reason: error === undefined ? "unknown" : messageOf(error),
      });
    }
  }
}

function lineOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  const attributes = Object.entries(span.attributes).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}`,
  );
  return [
    "span",
    JSON.stringify(span.name),
    SpanKind[span.kind],
    `${hrTimeToMilliseconds(span.duration).toFixed(3)}ms`,
    `trace=${traceId}`,
    `span=${spanId}`,
    `parent=${span.parentSpanContext?.spanId ?? "-"}`,
    ...(span.status.code === SpanStatusCode.ERROR
      ? [`error=${JSON.stringify(span.status.message ?? "")}`]
      : []),
    ...attributes,
  ].join(" ");
}
