import { Counter, Gauge, Registry } from "prom-client";
import { shorten } from "../core/agent-id.ts";
import type { HostReport, HostState, HostTotals, TopicReport } from "../core/host-report.ts";
import { DURABLE_METRICS } from "./durable-metrics.ts";
import type { MetricDeclaration } from "./metric-declaration.ts";
import { sumOf } from "./status-view.ts";

/**
 * Topic types that get series of their own. Topic types are named by peers, so their number must
 * have a bound here; the report lists the busiest first.
 */
const MAX_TOPIC_SERIES = 100;
const MAX_LABEL_LENGTH = 120;
const HOST_STATES = Object.keys({
  starting: true,
  ready: true,
  draining: true,
  stopped: true,
} satisfies Record<HostState, true>);

const TOTALS: Readonly<Record<keyof HostTotals, readonly [name: string, help: string]>> = {
  connectionsAccepted: ["agentrt_connections_accepted_total", "TCP connections accepted."],
  connectionsRefused: [
    "agentrt_connections_refused_total",
    "TCP connections closed at once because of a limit.",
  ],
  connectionsBroken: [
    "agentrt_connections_broken_total",
    "TCP connections that ended in a protocol error.",
  ],
  workersConnected: ["agentrt_workers_connected_total", "Workers that came."],
  workersLeft: ["agentrt_workers_left_total", "Workers that left."],
  workersReplaced: [
    "agentrt_workers_replaced_total",
    "Worker streams that a newer one with the same client-id replaced.",
  ],
  workersExpelled: ["agentrt_workers_expelled_total", "Workers that the host cut off."],
  eventsIn: ["agentrt_events_received_total", "Events published by workers."],
  eventsDelivered: ["agentrt_events_delivered_total", "Copies of events given to workers."],
  eventsReplayed: [
    "agentrt_events_replayed_total",
    "Copies of retained events and presence given to new subscribers.",
  ],
  retainedDropped: [
    "agentrt_retained_dropped_total",
    "Retained events that went because there were too many.",
  ],
  retainedHandedIn: [
    "agentrt_retained_handed_in_total",
    "Retained events that the host did not have and their workers handed in again.",
  ],
  instancesMoved: [
    "agentrt_instances_moved_total",
    "Shared instances that moved to another worker with their state.",
  ],
  instancesMovedWithoutState: [
    "agentrt_instances_moved_without_state_total",
    "Shared instances that moved without their state, as from a worker that died.",
  ],
  limitsHit: [
    "agentrt_limits_hit_total",
    "Connections, registrations, streams, calls and messages refused because a count or size was over its limit.",
  ],
  topicsForgotten: [
    "agentrt_topics_forgotten_total",
    "Topic types whose counts were forgotten because there were too many.",
  ],
  duplicates: [
    "agentrt_duplicates_total",
    "Events sent again after a broken connection that had been taken before.",
  ],
  eventsUnmatched: ["agentrt_events_unmatched_total", "Events without a subscriber."],
  callsIn: ["agentrt_calls_received_total", "Calls made by workers."],
  callsAnswered: ["agentrt_calls_answered_total", "Calls that a worker answered."],
  callsFailed: [
    "agentrt_calls_failed_total",
    "Calls that ended in an error of the host's own, time-outs apart.",
  ],
  callsGivenUp: ["agentrt_calls_given_up_total", "Calls that their callers cancelled."],
  callsTimedOut: ["agentrt_calls_timed_out_total", "Calls that nobody answered in time."],
  strayResponses: [
    "agentrt_stray_responses_total",
    "Responses to calls that nobody waited for any more.",
  ],
  controlMessages: [
    "agentrt_control_messages_total",
    "Messages of the control channel, which saves and loads state.",
  ],
  bytesIn: ["agentrt_received_bytes_total", "Payload bytes of gRPC messages from workers."],
  bytesOut: ["agentrt_sent_bytes_total", "Payload bytes of gRPC messages to workers."],
  shed: ["agentrt_shed_messages_total", "Messages dropped because a worker's outbox was full."],
  badFrames: ["agentrt_bad_frames_total", "Messages that were no frame of the protocol."],
  rpcsFailed: ["agentrt_rpcs_failed_total", "gRPC calls that ended with an error status."],
};
/** Its type says that it has every key and no other. */
const TOTAL_KEYS = Object.keys(TOTALS) as (keyof HostTotals)[];

/** Every metric of the host. `docs/status-api.md` lists them; a test compares. */
export const HOST_METRICS: readonly MetricDeclaration[] = [
  {
    kind: "gauge",
    name: "agentrt_build_info",
    help: "Always 1; the label names the version.",
    labelNames: ["version"],
    read: (report) => [{ labels: { version: report.version }, value: 1 }],
  },
  {
    kind: "gauge",
    name: "agentrt_state",
    help: "1 for the state that the host is in, 0 for the others.",
    labelNames: ["state"],
    read: (report) =>
      HOST_STATES.map((state) => ({ labels: { state }, value: report.state === state ? 1 : 0 })),
  },
  {
    kind: "gauge",
    name: "agentrt_insecure",
    help: "1 when the host listens beyond loopback without TLS and identities.",
    read: (report) => (report.isInsecure ? 1 : 0),
  },
  gauge("agentrt_uptime_seconds", "Time since the host started.", (r) => r.uptimeSeconds),
  gauge("agentrt_workers", "Workers connected now.", (r) => r.workers.length),
  gauge("agentrt_agent_types", "Agent types that workers hold now.", (r) =>
    sumOf(r.workers, (worker) => worker.agentTypes.length),
  ),
  {
    kind: "gauge",
    name: "agentrt_subscriptions",
    help: "Subscriptions now, by kind: type (exact) or prefix.",
    labelNames: ["kind"],
    read: (report) =>
      (["type", "prefix"] as const).map((kind) => ({
        labels: { kind },
        value: sumOf(report.subscriptions, (s) => (s.kind === kind ? 1 : 0)),
      })),
  },
  gauge("agentrt_pending_calls", "Calls that wait for their answer now.", (r) => r.pendingCalls),
  gauge("agentrt_queued_messages", "Messages in the outboxes of all workers now.", (r) =>
    sumOf(r.workers, (worker) => worker.queuedMessages),
  ),
  gauge("agentrt_queued_bytes", "Bytes in the outboxes of all workers now.", (r) =>
    sumOf(r.workers, (worker) => worker.queuedBytes),
  ),
  gauge("agentrt_fullest_queue_messages", "Messages in the fullest outbox now.", (r) =>
    r.workers.reduce((most, worker) => Math.max(most, worker.queuedMessages), 0),
  ),
  ...TOTAL_KEYS.map((key): MetricDeclaration => {
    const [name, help] = TOTALS[key];
    return { kind: "counter", name, help, read: (report) => report.totals[key] };
  }),
  {
    kind: "counter",
    name: "agentrt_dead_letters_total",
    help: "Messages that could not be delivered, by reason.",
    labelNames: ["reason"],
    read: (report) =>
      Object.entries(report.deadLetters.byReason).map(([reason, value]) => ({
        labels: { reason },
        value,
      })),
  },
  ...DURABLE_METRICS,
  topic("agentrt_topic_messages_total", "Messages on a topic type.", (t) => t.messages),
  topic("agentrt_topic_deliveries_total", "Copies given to workers.", (t) => t.deliveries),
  topic("agentrt_topic_dropped_total", "Of these, dropped from full queues.", (t) => t.dropped),
  topic("agentrt_topic_bytes_total", "Bytes of messages on a topic type.", (t) => t.bytes),
];

/** Prometheus text about the host, made from one report; nothing is counted in between. */
export function renderHostMetrics(report: HostReport): Promise<string> {
  const registry = new Registry();
  for (const { kind, name, help, labelNames = [], read } of HOST_METRICS) {
    const value = read(report);
    const samples = typeof value === "number" ? [{ labels: {}, value }] : value;
    const config = { name, help, labelNames, registers: [registry] };
    if (kind === "gauge") {
      const made = new Gauge(config);
      for (const sample of samples) {
        made.set(sample.labels, sample.value);
      }
    } else {
      const made = new Counter(config);
      for (const sample of samples) {
        made.inc(sample.labels, sample.value);
      }
    }
  }
  return registry.metrics();
}

function gauge(
  name: string,
  help: string,
  read: (report: HostReport) => number,
): MetricDeclaration {
  return { kind: "gauge", name, help, read };
}

function topic(
  name: string,
  help: string,
  numberOf: (topic: TopicReport) => number,
): MetricDeclaration {
  return {
    kind: "counter",
    name,
    help: `${help} The ${MAX_TOPIC_SERIES} busiest only.`,
    labelNames: ["topic_type"],
    read: (report) =>
      report.topics.slice(0, MAX_TOPIC_SERIES).map((entry) => ({
        labels: { topic_type: shorten(entry.topicType, MAX_LABEL_LENGTH) },
        value: numberOf(entry),
      })),
  };
}
