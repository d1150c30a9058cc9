import { createHash } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { resolve } from "node:path";
import { freePort } from "./ports.ts";
import { type AgentrtProcess, startProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

/** A span as OTLP's JSON has it, with what the tests look at. */
export interface ReceivedSpan {
  readonly service: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly name: string;
  readonly kind: "INTERNAL" | "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER";
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the root of a trace. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** True when the span's status is an error. */
  readonly isError: boolean;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly KeyValue[];
  readonly status?: { readonly code?: number };
}
/** One export request of OTLP, as JSON. */
export interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const KINDS = ["INTERNAL", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] as const;
const sources = resolve(import.meta.dir, "collector");
const repository = resolve(import.meta.dir, "../..");
let built: Promise<string> | undefined;

export function spansOf(request: OtlpRequest): ReceivedSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attributes = textsOf(resource.attributes);
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        service: attributes["service.name"] ?? "",
        resource: attributes,
        name: span.name,
        kind: KINDS[span.kind] ?? "INTERNAL",
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        attributes: textsOf(span.attributes ?? []),
        isError: span.status?.code === 2,
      }));
  });
}

function textsOf(attributes: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]),
  );
}

/**
 * The OpenTelemetry Collector itself: takes OTLP, and hands what it understood to this test.
 * Made with Go from `test/kit/collector/` when it is not there yet.
 */
export class Collector implements AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  readonly spans: ReceivedSpan[] = [];
  readonly #sink: Bun.Server<undefined>;
  #process: AgentrtProcess | undefined;

  private constructor(port: number) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#sink = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async (request) => {
        this.spans.push(...spansOf((await request.json()) as OtlpRequest));
        return Response.json({});
      },
    });
  }

  static async start(): Promise<Collector> {
    const collector = new Collector(await freePort());
    await collector.resume();
    return collector;
  }

  /** An address where no collector is until {@link resume}. */
  static async absent(): Promise<Collector> {
    return new Collector(await freePort());
  }

  async resume(): Promise<void> {
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint: new URL(this.endpoint).host } } } },
      exporters: {
        otlp_http: {
          endpoint: `http://127.0.0.1:${this.#sink.port}`,
          encoding: "json",
          compression: "none",
        },
      },
      service: {
        telemetry: { metrics: { level: "none" } },
        pipelines: { traces: { receivers: ["otlp"], exporters: ["otlp_http"] } },
      },
    };
    this.#process = startProcess([
      await collectorBinary(),
      `--config=yaml:${JSON.stringify(config)}`,
    ]);
    const started = this.#process;
    await waitFor(() => started.stderr.includes("Everything is ready"), {
      what: "the collector to be ready",
      timeoutMs: 30_000,
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${started.stderr}`);
    });
  }

  /** Waits until spans came that `find` is content with, and gives what it returned. */
  async waitFor<T>(what: string, find: (spans: readonly ReceivedSpan[]) => T | undefined) {
    return await waitFor(() => find(this.spans), { what, timeoutMs: 20_000 }).catch(
      (error: Error) => {
        const seen = this.spans.map((span) => JSON.stringify(span)).join("\n");
        throw new Error(`${error.message} Spans so far:\n${seen}`);
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await this.#sink.stop(true);
  }
}

/** @throws Error with the output of Go when it cannot be built */
async function collectorBinary(): Promise<string> {
  built ??= build();
  return await built;
}

async function build(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of ["main.go", "go.mod", "go.sum"]) {
    hash.update(await Bun.file(resolve(sources, name)).bytes());
  }
  const folder = resolve(repository, ".build");
  const program = resolve(folder, `otel-collector-${hash.digest("hex").slice(0, 12)}`);
  if (await Bun.file(program).exists()) {
    return program;
  }
  await mkdir(folder, { recursive: true });
  // Written aside, so that a program half written is never started.
  const aside = `${program}.${process.pid}`;
  const go = Bun.spawn(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", aside, "."], {
    cwd: sources,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [errors, code] = await Promise.all([new Response(go.stderr).text(), go.exited]);
  if (code !== 0) {
    throw new Error(`go build of the collector ended with ${code}.\n${errors}`);
  }
  await rename(aside, program);
  return program;
}
