import { stringWidth } from "bun";
import type { HostReport, TopicReport, WorkerReport } from "../../core/host-report.ts";
import type { ReportAnswer } from "../../wire/host-info/codec.ts";
import type { Language, Localized } from "../language.ts";
import { TITLES } from "./command-words.ts";
import { printable } from "./printable.ts";
import { type Column, renderTable, type TableLook } from "./table.ts";

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
  { title: TITLES.topic, text: ({ topicType }) => topicType },
  {
    title: TITLES.rate,
    text: ({ messagesPerSecond }) => messagesPerSecond.toFixed(1),
    isNumber: true,
  },
  { title: TITLES.messages, text: ({ messages }) => messages, isNumber: true },
  { title: TITLES.deliveries, text: ({ deliveries }) => deliveries, isNumber: true },
];

const WORKERS: readonly Column<WorkerRow>[] = [
  { title: TITLES.worker, text: ({ clientId }) => clientId },
  { title: TITLES.inRate, text: ({ inRate }) => inRate, isNumber: true },
  { title: TITLES.outRate, text: ({ outRate }) => outRate, isNumber: true },
  { title: TITLES.queued, text: ({ queuedMessages }) => queuedMessages, isNumber: true },
  { title: TITLES.shed, text: ({ shed }) => shed, isNumber: true },
  { title: TITLES.agentTypes, text: ({ agentTypes }) => agentTypes.join(" ") || "-" },
];

/** The lines of one picture; rates are between the two looks, and `-` at the first. */
export function topLines(
  now: Look,
  before: Look | undefined,
  size: TopSize,
  look: TableLook,
): readonly string[] {
  const { style, language } = look;
  const { report, leftOut } = now.answer;
  const rate = (get: (report: HostReport) => number): string => rateOf(now, before, get);
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
  const numbers = {
    uptime: uptime(report.uptimeSeconds),
    workers: report.workers.length + leftOut.workers,
    subscriptions: report.subscriptions.length + leftOut.subscriptions,
    inRate: rate(({ totals: t }) => t.eventsIn),
    deliveredRate: rate(({ totals: t }) => t.eventsDelivered),
  };
  const name = style.strong(`agentrt ${printable(report.version)}`);
  const head = [
    `${name} ${report.listen}  ${style.accent(report.state)}  ${TOP_WORDS.up[language]} ${numbers.uptime}`,
    ...headOf(report, numbers)[language],
  ];
  const room = Math.max(4, size.lines - head.length - 4);
  const topicRoom = Math.max(2, Math.min(report.topics.length, Math.floor(room / 2)));
  const lines = [
    ...head,
    "",
    ...renderTable(TOPICS, report.topics.slice(0, topicRoom), look),
    "",
    ...renderTable(WORKERS, workers.slice(0, Math.max(2, room - topicRoom)), look),
  ];
  return lines.map((line) => cut(line, size.columns));
}

interface TopNumbers {
  readonly workers: number;
  readonly subscriptions: number;
  readonly inRate: string;
  readonly deliveredRate: string;
}

const TOP_WORDS = { up: { en: "up", zh: "已运行" } } as const satisfies Record<string, Localized>;

function headOf(
  { totals: t, pendingCalls, deadLetters }: HostReport,
  { workers, subscriptions, inRate, deliveredRate }: TopNumbers,
): Readonly<Record<Language, readonly string[]>> {
  return {
    en: [
      `workers ${workers}  subscriptions ${subscriptions}  calls waiting ${pendingCalls}`,
      `events ${t.eventsIn} in (${inRate}/s), ${t.eventsDelivered} delivered (${deliveredRate}/s), ${t.eventsUnmatched} without a receiver`,
      `calls ${t.callsIn}, failed ${t.callsFailed}, timed out ${t.callsTimedOut}  lost: shed ${t.shed}, dead letters ${deadLetters.total}`,
    ],
    zh: [
      `worker ${workers}  订阅 ${subscriptions}  等待中的调用 ${pendingCalls}`,
      `事件 收到 ${t.eventsIn}（${inRate}/秒），投递 ${t.eventsDelivered}（${deliveredRate}/秒），无接收者 ${t.eventsUnmatched}`,
      `调用 ${t.callsIn}，失败 ${t.callsFailed}，超时 ${t.callsTimedOut}  丢失：丢弃 ${t.shed}，死信 ${deadLetters.total}`,
    ],
  };
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
  if (stringWidth(plain) <= columns) {
    return line;
  }
  let end = Math.min(plain.length, columns - 1);
  while (stringWidth(plain.slice(0, end)) > columns - 1) {
    end -= 1;
  }
  return `${plain.slice(0, end)}…`;
}
