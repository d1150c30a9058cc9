import { getLogger } from "@logtape/logtape";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { getStringFromEnv } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { ATTR_SERVICE_INSTANCE_ID } from "@opentelemetry/semantic-conventions/incubating";
import { AgentrtError } from "../core/errors.ts";
import type { TracerProviderLike } from "../core/tracing.ts";
import { batchLimits } from "./batch-limits.ts";
import { samplerFrom } from "./sampler.ts";
import { SpanCounter } from "./span-counter.ts";
import { consoleExporter, fileExporter, SayingExporter } from "./span-exporters.ts";
import type { TraceTarget } from "./trace-target.ts";

const logger = getLogger(["agentrt", "telemetry"]);

export interface TracingOptions {
  readonly target: Exclude<TraceTarget, { readonly kind: "off" }>;
  /** Names the process in traces; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` go before it. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Writes for a person, for the target `console`. */
  readonly print: (text: string) => Promise<void>;
}

export interface Tracing {
  readonly tracerProvider: TracerProviderLike;
  /**
   * Exports what is left, but not for longer than {@link STOP_TIMEOUT_MS}, and logs how many spans were lost
   * in all, if any. Does not reject.
   */
  stop(): Promise<void>;
}

/** A collector that does not answer must not hold up the end of a process. */
const STOP_TIMEOUT_MS = 2_000;

/**
 * Starts OpenTelemetry's SDK as the `OTEL_…` variables say. Loaded only when tracing is wanted.
 * @returns undefined when `OTEL_SDK_DISABLED` is true
 * @throws AgentrtError `INVALID_OPTION` when the file cannot be opened, or a collector's address is none
 */
export async function startTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { target } = options;
  if (getStringFromEnv("OTEL_SDK_DISABLED")?.toLowerCase() === "true") {
    logger.info("tracing is off, because OTEL_SDK_DISABLED is true");
    return undefined;
  }
  logComplaints();
  const exporter = new SayingExporter(await exporterFor(options), target.kind);
  const counter = new SpanCounter();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: options.serviceName,
      [ATTR_SERVICE_VERSION]: options.serviceVersion,
      [ATTR_SERVICE_INSTANCE_ID]: crypto.randomUUID(),
    }).merge(detectResources({ detectors: [envDetector, serviceNameEnvDetector] })),
    sampler: samplerFrom(
      getStringFromEnv("OTEL_TRACES_SAMPLER"),
      getStringFromEnv("OTEL_TRACES_SAMPLER_ARG"),
    ),
    spanProcessors: [
      counter,
      new BatchSpanProcessor({ exporter, ...batchLimits(target.kind === "otlp") }),
    ],
  });
  // What it would say later is said better by ours, and once.
  diag.disable();
  logger.info("tracing is on", { target: target.kind });
  return {
    tracerProvider: provider,
    async stop() {
      const { promise: timeUp, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, STOP_TIMEOUT_MS);
      const ended = provider.shutdown().catch((error: unknown) => {
        logger.warn("tracing did not stop cleanly", { error });
      });
      await Promise.race([ended, timeUp]);
      clearTimeout(timer);
      const lost = counter.ended - exporter.exported;
      if (lost > 0) {
        logger.warn("not all spans could be exported", { target: target.kind, lost });
      }
    },
  };
}

/** OpenTelemetry tells of variables that make no sense to whoever listens, which is nobody unless asked for. */
function logComplaints(): void {
  const say = (problem: string): void => {
    logger.warn("OpenTelemetry has an objection to its variables", { problem });
  };
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

async function exporterFor({ target, print }: TracingOptions): Promise<SpanExporter> {
  switch (target.kind) {
    case "console":
      return consoleExporter(print);
    case "file":
      return await fileExporter(target.path);
    case "otlp": {
      const protocol =
        getStringFromEnv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ??
        getStringFromEnv("OTEL_EXPORTER_OTLP_PROTOCOL");
      if (protocol !== undefined && protocol !== "http/protobuf") {
        logger.warn("this OTLP protocol is not spoken; http/protobuf is used", { protocol });
      }
      ENDPOINT_VARIABLES.forEach(assertEndpoint);
      return new OTLPTraceExporter();
    }
    default:
      return target satisfies never;
  }
}

const ENDPOINT_VARIABLES = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/** OpenTelemetry's exporter takes what is no address for its default, and spans go somewhere else or nowhere. */
function assertEndpoint(variable: string): void {
  const text = getStringFromEnv(variable);
  if (text === undefined || /^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    return;
  }
  throw new AgentrtError(
    "INVALID_OPTION",
    `${variable} is ${JSON.stringify(text)}, which is not the address of a collector. Write it as http://127.0.0.1:4318.`,
    { data: { option: variable } },
  );
}
