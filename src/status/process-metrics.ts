import { collectDefaultMetrics, Registry } from "prom-client";

/**
 * prom-client's metrics of the process that tell the truth under Bun. The others count handles,
 * requests and heap spaces, which Bun reports as none, or garbage collections, which it does not report.
 */
const KEPT_METRICS: ReadonlySet<string> = new Set([
  "process_cpu_user_seconds_total",
  "process_cpu_system_seconds_total",
  "process_cpu_seconds_total",
  "process_start_time_seconds",
  "process_resident_memory_bytes",
  "process_open_fds",
  "process_max_fds",
  "nodejs_eventloop_lag_seconds",
  "nodejs_eventloop_lag_min_seconds",
  "nodejs_eventloop_lag_max_seconds",
  "nodejs_eventloop_lag_mean_seconds",
  "nodejs_eventloop_lag_stddev_seconds",
  "nodejs_eventloop_lag_p50_seconds",
  "nodejs_eventloop_lag_p90_seconds",
  "nodejs_eventloop_lag_p99_seconds",
  "nodejs_heap_size_total_bytes",
  "nodejs_heap_size_used_bytes",
]);

/** Each sample wakes the process, which matters to a small machine that has nothing else to do. */
const LAG_SAMPLE_MS = 50;

let registry: Registry | undefined;

/**
 * Prometheus text about this process: CPU, memory, open files, event loop lag.
 * The lag is sampled from the first call on, so that it costs nothing where nobody scrapes.
 */
export function renderProcessMetrics(): Promise<string> {
  // One for the process: the sampling cannot be stopped, and would add up.
  registry ??= createRegistry();
  return registry.metrics();
}

function createRegistry(): Registry {
  const created = new Registry();
  collectDefaultMetrics({ register: created, eventLoopMonitoringPrecision: LAG_SAMPLE_MS });
  for (const { name } of created.getMetricsAsArray()) {
    if (!KEPT_METRICS.has(name)) {
      created.removeSingleMetric(name);
    }
  }
  return created;
}
