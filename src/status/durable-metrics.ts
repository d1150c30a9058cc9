import { shorten } from "../core/agent-id.ts";
import type { DurableReport, HostReport } from "../core/host-report.ts";
import type { MetricDeclaration } from "./metric-declaration.ts";

/** Agent types are named by peers, so the number and length of their labels have bounds here. */
const MAX_SERIES = 100;
const MAX_LABEL_LENGTH = 120;

/** What durable topics have done; 0 at a host that keeps no messages. */
export const DURABLE_METRICS: readonly MetricDeclaration[] = [
  count("agentrt_durable_appended_total", "Durable messages stored.", (d) => d.appended),
  count("agentrt_durable_refused_total", "Durable messages not stored.", (d) => d.refused),
  count("agentrt_durable_delivered_total", "Copies given to workers.", (d) => d.delivered),
  count("agentrt_durable_redelivered_total", "Of these, given again.", (d) => d.redelivered),
  count("agentrt_durable_acknowledged_total", "Copies handled.", (d) => d.acknowledged),
  count("agentrt_durable_failed_total", "Copies that a handler failed.", (d) => d.failed),
  count("agentrt_durable_dead_total", "Durable messages given up.", (d) => d.dead),
  count("agentrt_durable_dead_dropped_total", "Dead ones dropped.", (d) => d.deadDropped),
  count("agentrt_durable_schedules_fired_total", "Messages of schedules.", (d) => d.schedulesFired),
  count("agentrt_durable_schedules_skipped_total", "Times skipped.", (d) => d.schedulesSkipped),
  {
    kind: "gauge",
    name: "agentrt_durable_cursor_lag",
    help: "Positions of the log that an agent type has still to come by.",
    labelNames: ["agent_type"],
    read: ({ durable }: HostReport) =>
      (durable?.cursors ?? []).slice(0, MAX_SERIES).map(({ name, lag }) => ({
        labels: { agent_type: shorten(name, MAX_LABEL_LENGTH) },
        value: lag,
      })),
  },
  {
    kind: "gauge",
    name: "agentrt_durable_dead_kept",
    help: "Dead durable messages that are kept.",
    read: ({ durable }: HostReport) => durable?.deadKept ?? 0,
  },
  {
    kind: "gauge",
    name: "agentrt_durable_stored_bytes",
    help: "What the message log takes on disk.",
    read: ({ durable }: HostReport) => durable?.storedBytes ?? 0,
  },
];

function count(
  name: string,
  help: string,
  of: (durable: DurableReport) => number,
): MetricDeclaration {
  const read = ({ durable }: HostReport): number => (durable === undefined ? 0 : of(durable));
  return { kind: "counter", name, help, read };
}
