import { getLogger } from "@logtape/logtape";
import { getNumberFromEnv, getStringFromEnv } from "@opentelemetry/core";
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
import type { TracerProviderLike } from "../core/tracing.ts";
import { samplerFrom } from "./sampler.ts";
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
  /** Exports what is left, but not for longer than {@link STOP_TIMEOUT_MS}. Does not reject. */
  stop(): Promise<void>;
}

/** A collector that does not answer must not hold up the end of a process. */
const STOP_TIMEOUT_MS = 2_000;
/** What is printed or written here shall be there soon; a collector gets OpenTelemetry's five seconds. */
const LOCAL_DELAY_MS = 500;
const REMOTE_DELAY_MS = 5_000;

/**
 * Starts OpenTelemetry's SDK as the `OTEL_…` variables say. Loaded only when tracing is wanted.
 * @returns undefined when `OTEL_SDK_DISABLED` is true
 * @throws AgentrtError `INVALID_OPTION` when the file cannot be opened
 */
export async function startTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { target } = options;
  if (getStringFromEnv("OTEL_SDK_DISABLED")?.toLowerCase() === "true") {
    logger.info("tracing is off, because OTEL_SDK_DISABLED is true");
    return undefined;
  }
  const exporter = new SayingExporter(await exporterFor(options), target.kind);
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
    spanProcessors: [processorFor(exporter, target.kind === "otlp")],
  });
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
    },
  };
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
      return new OTLPTraceExporter();
    }
    default:
      return target satisfies never;
  }
}

function processorFor(exporter: SpanExporter, isRemote: boolean): BatchSpanProcessor {
  return new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis:
      getNumberFromEnv("OTEL_BSP_SCHEDULE_DELAY") ?? (isRemote ? REMOTE_DELAY_MS : LOCAL_DELAY_MS),
    maxQueueSize: getNumberFromEnv("OTEL_BSP_MAX_QUEUE_SIZE") ?? 2_048,
    maxExportBatchSize: getNumberFromEnv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") ?? 512,
    exportTimeoutMillis: getNumberFromEnv("OTEL_BSP_EXPORT_TIMEOUT") ?? 30_000,
  });
}
