import { afterEach, expect, test } from "bun:test";
import { batchLimits } from "../../src/telemetry/batch-limits.ts";

const VARIABLES = [
  "OTEL_BSP_SCHEDULE_DELAY",
  "OTEL_BSP_MAX_QUEUE_SIZE",
  "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
  "OTEL_BSP_EXPORT_TIMEOUT",
] as const;
const DEFAULTS = {
  scheduledDelayMillis: 500,
  maxQueueSize: 2_048,
  maxExportBatchSize: 512,
  exportTimeoutMillis: 30_000,
};

afterEach(() => {
  for (const variable of VARIABLES) {
    delete process.env[variable];
  }
});

test("batch limits - without variables they are OpenTelemetry's, but sooner for what is near", () => {
  expect(batchLimits(false)).toEqual(DEFAULTS);
  expect(batchLimits(true)).toEqual({ ...DEFAULTS, scheduledDelayMillis: 5_000 });
});

test("batch limits - each variable is obeyed", () => {
  for (const [index, variable] of VARIABLES.entries()) {
    process.env[variable] = String(index + 100);
  }
  expect(batchLimits(true)).toEqual({
    scheduledDelayMillis: 100,
    maxQueueSize: 101,
    maxExportBatchSize: 101,
    exportTimeoutMillis: 103,
  });
});

test.each(["0", "-1", "1.5", "many", "1e99"])(
  "batch limits - %s spans make no sense, and the default is used",
  (value) => {
    process.env["OTEL_BSP_MAX_QUEUE_SIZE"] = value;
    process.env["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] = value;
    expect(batchLimits(false)).toEqual(DEFAULTS);
  },
);
