import { describe, expect, test } from "bun:test";
import type { TopicReport } from "../../src/core/host-report.ts";
import { renderHostMetrics } from "../../src/status/host-metrics.ts";
import { createStatusApp } from "../../src/status/status-page.ts";
import { hostReport, TOTALS, workerReport } from "./report.ts";

/** Sample lines of Prometheus text, without comments. */
function samplesIn(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

describe("metrics", () => {
  test("metrics - every total has a counter of its own", async () => {
    const samples = samplesIn(await renderHostMetrics(hostReport()));
    for (const [key, value] of Object.entries(TOTALS)) {
      const matching = samples.filter((line) => line.endsWith(`_total ${value}`));
      expect({ key, found: matching.length }).toEqual({ key, found: 1 });
    }
  });

  test("metrics - the gauges say what is now", async () => {
    const workers = [
      workerReport({ queuedMessages: 5, queuedBytes: 50, agentTypes: ["a", "b"] }),
      workerReport({ queuedMessages: 9, queuedBytes: 90, agentTypes: [] }),
    ];
    const samples = samplesIn(
      await renderHostMetrics(hostReport({ workers, state: "draining", isInsecure: true })),
    );
    for (const line of [
      'agentrt_build_info{version="9.8.7"} 1',
      'agentrt_state{state="ready"} 0',
      'agentrt_state{state="draining"} 1',
      "agentrt_insecure 1",
      "agentrt_uptime_seconds 3600",
      "agentrt_workers 2",
      "agentrt_agent_types 2",
      'agentrt_subscriptions{kind="type"} 1',
      'agentrt_subscriptions{kind="prefix"} 1',
      "agentrt_pending_calls 31",
      "agentrt_queued_messages 14",
      "agentrt_queued_bytes 140",
      "agentrt_fullest_queue_messages 9",
      'agentrt_dead_letters_total{reason="NO_SUCH_AGENT"} 40',
      'agentrt_dead_letters_total{reason="DEADLINE"} 2',
      'agentrt_topic_messages_total{topic_type="environment_data"} 21',
      'agentrt_topic_deliveries_total{topic_type="environment_data"} 23',
      'agentrt_topic_dropped_total{topic_type="environment_data"} 5',
      'agentrt_topic_bytes_total{topic_type="environment_data"} 22',
    ]) {
      expect(samples).toContain(line);
    }
  });

  test("metrics - an empty host has its counters at 0", async () => {
    const zeros = { ...TOTALS };
    for (const key of Object.keys(TOTALS)) {
      Object.assign(zeros, { [key]: 0 });
    }
    const samples = samplesIn(
      await renderHostMetrics(
        hostReport({
          workers: [],
          topics: [],
          totals: zeros,
          deadLetters: { total: 0, byReason: {}, recent: [] },
        }),
      ),
    );
    expect(samples).toContain("agentrt_events_received_total 0");
    expect(samples).toContain("agentrt_workers 0");
    expect(samples.filter((line) => line.startsWith("agentrt_topic_"))).toEqual([]);
  });

  test("metrics - topics are bounded in number and length, and hostile names are escaped", async () => {
    const topics = Array.from(
      { length: 5_000 },
      (_, index): TopicReport => ({
        topicType: index === 0 ? 'a"\n}\\ 1' : `${index}${"x".repeat(5_000)}`,
        messages: 21,
        bytes: 22,
        ...{ deliveries: 23, dropped: 5, fullQueue: "block" },
        messagesPerSecond: 2,
        lastAt: "2026-11-24T12:00:00.000Z",
      }),
    );
    const text = await renderHostMetrics(hostReport({ topics }));
    const samples = samplesIn(text).filter((line) => line.startsWith("agentrt_topic_messages_"));
    expect(samples).toHaveLength(100);
    expect(samples[0]).toBe('agentrt_topic_messages_total{topic_type="a\\"\\n}\\\\ 1"} 21');
    expect(Math.max(...samples.map((line) => line.length))).toBeLessThan(200);
  });

  test("metrics - names are agentrt_, counters end in _total, nothing has twice the same name", async () => {
    const text = await renderHostMetrics(hostReport());
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
      name: name ?? "",
      type,
    }));
    expect(new Set(types.map(({ name }) => name)).size).toBe(types.length);
    for (const { name, type } of types) {
      expect(name).toMatch(/^agentrt_[a-z_]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
    }
  });

  test("metrics - the route has the host's and the process's, as Prometheus text", async () => {
    const app = createStatusApp(hostReport);
    const response = await app.request("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    for (const name of [
      "agentrt_workers",
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "process_open_fds",
      "nodejs_eventloop_lag_p99_seconds",
      "nodejs_heap_size_used_bytes",
    ]) {
      expect(text).toMatch(new RegExp(`^${name} [0-9.e+-]+$`, "m"));
    }
    expect(text).not.toContain("nodejs_active_handles");
    expect(text).toEndWith("\n");
  });

  test("metrics - two scrapes at once do not disturb each other", async () => {
    const app = createStatusApp(hostReport);
    const texts = await Promise.all(
      Array.from({ length: 20 }, async () => (await app.request("/metrics")).text()),
    );
    for (const text of texts) {
      expect(text.match(/^agentrt_workers 1$/gm)).toHaveLength(1);
    }
  });
});
