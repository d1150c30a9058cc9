import { getLogger } from "@logtape/logtape";
import { getStringFromEnv } from "@opentelemetry/core";

const logger = getLogger(["agentrt", "telemetry"]);

/** What `BatchSpanProcessor` is told; times in milliseconds, sizes in spans. */
export interface BatchLimits {
  readonly scheduledDelayMillis: number;
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly exportTimeoutMillis: number;
}

/** What is printed or written here shall be there soon; a collector gets OpenTelemetry's five seconds. */
const LOCAL_DELAY_MS = 500;
const REMOTE_DELAY_MS = 5_000;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Each span that waits costs memory. */
const MAX_QUEUE_SIZE = 1_000_000;

/**
 * The limits that the `OTEL_BSP_…` variables name. A value that makes no sense is logged and the
 * default used: with a queue or batch of no spans OpenTelemetry's processor never ends a loop.
 */
export function batchLimits(isRemote: boolean): BatchLimits {
  const delayMs = isRemote ? REMOTE_DELAY_MS : LOCAL_DELAY_MS;
  const maxQueueSize = wholeNumber("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, 1, MAX_QUEUE_SIZE);
  return {
    scheduledDelayMillis: wholeNumber("OTEL_BSP_SCHEDULE_DELAY", delayMs, 0, MAX_TIMER_MS),
    maxQueueSize,
    maxExportBatchSize: Math.min(
      wholeNumber("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, 1, MAX_QUEUE_SIZE),
      maxQueueSize,
    ),
    exportTimeoutMillis: wholeNumber("OTEL_BSP_EXPORT_TIMEOUT", 30_000, 1, MAX_TIMER_MS),
  };
}

function wholeNumber(variable: string, fallback: number, min: number, max: number): number {
  const text = getStringFromEnv(variable);
  if (text === undefined) {
    return fallback;
  }
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  logger.warn(`${variable} is not a whole number from ${min} to ${max}; the default is used`, {
    value: text,
    default: fallback,
  });
  return fallback;
}
