import type { HostReport, TopicReport, WorkerReport } from "../../core/host-report.ts";
import type { ReportAnswer } from "../../wire/host-info/codec.ts";
import type { Styler } from "../terminal.ts";
import { printable } from "./printable.ts";
import { type Column, renderTable } from "./table.ts";

/** A report and when it came, in milliseconds of a clock that never goes back. */
export interface Look {
  readonly answer: ReportAnswer;
  readonly atMs: number;
}

export interface TopSize {
  readonly columns: number;
  /** Lines that fit; infinite where nothing is cut. */
  readonly lines: number;
}

interface WorkerRow extends WorkerReport {
  readonly inRate: string;
  readonly outRate: string;
}

const TOPICS: readonly Column<TopicReport>[] = [
  { title: "TOPIC", text: ({ topicType }) => topicType },
  { title: "/S", text: ({ messagesPerSecond }) => messagesPerSecond.toFixed(1), isNumber: true },
  { title: "MESSAGES", text: ({ messages }) => messages, isNumber: true },
  { title: "DELIVERIES", text: ({ deliveries }) => deliveries, isNumber: true },
];

const WORKERS: readonly Column<WorkerRow>[] = [
  { title: "WORKER", text: ({ clientId }) => clientId },
  { title: "IN/S", text: ({ inRate }) => inRate, isNumber: true },
  { title: "OUT/S", text: ({ outRate }) => outRate, isNumber: true },
  { title: "QUEUED", text: ({ queuedMessages }) => queuedMessages, isNumber: true },
  { title: "SHED", text: ({ shed }) => shed, isNumber: true },
  { title: "AGENT TYPES", text: ({ agentTypes }) => agentTypes.join(" ") || "-" },
];

/** The lines of one picture; rates are between the two looks, and `-` at the first. */
export function topLines(
  now: Look,
  before: Look | undefined,
  size: TopSize,
  style: Styler,
): readonly string[] {
  const { report, leftOut } = now.answer;
  const rate = (get: (report: HostReport) => number): string => rateOf(now, before, get);
  const { totals, deadLetters } = report;
  const workers = [...report.workers]
    .sort((a, b) => b.queuedMessages - a.queuedMessages || b.messagesOut - a.messagesOut)
    .map((worker): WorkerRow => {
      const same = (from: HostReport): WorkerReport | undefined =>
        from.workers.find(({ clientId }) => clientId === worker.clientId);
      return {
        ...worker,
        inRate: rate((from) => same(from)?.messagesIn ?? 0),
        outRate: rate((from) => same(from)?.messagesOut ?? 0),
      };
    });
  const head = [
    `${style.strong(`agentrt ${printable(report.version)}`)} ${report.listen}  ${style.accent(report.state)}  up ${uptime(report.uptimeSeconds)}`,
    `workers ${report.workers.length + leftOut.workers}  subscriptions ${report.subscriptions.length + leftOut.subscriptions}  calls waiting ${report.pendingCalls}`,
    `events ${totals.eventsIn} in (${rate(({ totals: t }) => t.eventsIn)}/s), ${totals.eventsDelivered} delivered (${rate(({ totals: t }) => t.eventsDelivered)}/s), ${totals.eventsUnmatched} without a receiver`,
    `calls ${totals.callsIn}, failed ${totals.callsFailed}, timed out ${totals.callsTimedOut}  lost: shed ${totals.shed}, dead letters ${deadLetters.total}`,
  ];
  const room = Math.max(4, size.lines - head.length - 4);
  const topicRoom = Math.max(2, Math.min(report.topics.length, Math.floor(room / 2)));
  const lines = [
    ...head,
    "",
    ...renderTable(TOPICS, report.topics.slice(0, topicRoom), style),
    "",
    ...renderTable(WORKERS, workers.slice(0, Math.max(2, room - topicRoom)), style),
  ];
  return lines.map((line) => cut(line, size.columns));
}

function rateOf(now: Look, before: Look | undefined, get: (report: HostReport) => number): string {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1_000;
  return before === undefined || seconds <= 0
    ? "-"
    : (Math.max(0, get(now.answer.report) - get(before.answer.report)) / seconds).toFixed(1);
}

/** Two units at most, such as `3d 4h` or `12s`. */
export function uptime(seconds: number): string {
  const units: readonly (readonly [string, number])[] = [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ];
  let rest = Math.floor(seconds);
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) {
      parts.push(`${count}${unit}`);
    }
  }
  return parts.slice(0, 2).join(" ") || "0s";
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these begin the styles of a terminal
const STYLE = /\u001b\[\d+m/g;

/** Cuts a line that would wrap; its styles go with it, because a cut one would not end. */
function cut(line: string, columns: number): string {
  const plain = line.replace(STYLE, "");
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}
