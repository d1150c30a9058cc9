import type { Localized } from "../language.ts";

/** What commands print for people, but for errors, which are English with a code. `--json` has none of it. */

/** Titles of columns. */
export const TITLES = {
  agentType: { en: "AGENT TYPE", zh: "智能体类型" },
  agentTypes: { en: "AGENT TYPES", zh: "智能体类型" },
  bytes: { en: "BYTES", zh: "字节" },
  count: { en: "COUNT", zh: "数量" },
  deliveries: { en: "DELIVERIES", zh: "投递" },
  dropped: { en: "DROPPED", zh: "丢弃" },
  fullQueue: { en: "WHEN FULL", zh: "队列满时" },
  id: { en: "ID", zh: "订阅 ID" },
  in: { en: "IN", zh: "收到" },
  inRate: { en: "IN/S", zh: "收到/秒" },
  last: { en: "LAST", zh: "最近" },
  lost: { en: "LOST", zh: "丢失" },
  megabytes: { en: "MB/S", zh: "MB/秒" },
  messages: { en: "MESSAGES", zh: "消息" },
  out: { en: "OUT", zh: "发出" },
  outRate: { en: "OUT/S", zh: "发出/秒" },
  p50: { en: "P50 MS", zh: "P50 毫秒" },
  p99: { en: "P99 MS", zh: "P99 毫秒" },
  peer: { en: "PEER", zh: "对端" },
  perSecond: { en: "PER SECOND", zh: "每秒" },
  queued: { en: "QUEUED", zh: "排队" },
  rate: { en: "/S", zh: "每秒" },
  shed: { en: "SHED", zh: "丢弃" },
  since: { en: "SINCE", zh: "连接时间" },
  subscriptions: { en: "SUBSCRIPTIONS", zh: "订阅" },
  topic: { en: "TOPIC", zh: "主题" },
  topics: { en: "TOPICS", zh: "主题" },
  types: { en: "TYPES", zh: "类型数" },
  work: { en: "WORK", zh: "项目" },
  worker: { en: "WORKER", zh: "WORKER" },
} as const satisfies Record<string, Localized>;

/** The steps of `doctor`, by the names that they have in JSON. */
export const CHECK_NAMES: Readonly<Record<string, Localized>> = {
  name: { en: "name", zh: "名称" },
  port: { en: "port", zh: "端口" },
  http2: { en: "http2", zh: "HTTP/2" },
  tls: { en: "tls", zh: "TLS 加密" },
  health: { en: "health", zh: "健康" },
  protocol: { en: "protocol", zh: "协议" },
  "client id": { en: "client id", zh: "客户端 ID" },
  messages: { en: "messages", zh: "消息" },
  clock: { en: "clock", zh: "时钟" },
  version: { en: "version", zh: "版本" },
  report: { en: "report", zh: "报告" },
};

/** Verdicts, and what stands before other texts of `doctor`. */
export const DOCTOR_WORDS = {
  ok: { en: "ok", zh: "正常" },
  warning: { en: "WARNING", zh: "警告" },
  failed: { en: "FAILED", zh: "失败" },
  skipped: { en: "-", zh: "-" },
  next: { en: "next:", zh: "下一步：" },
  seen: { en: "seen here:", zh: "此处所见：" },
} as const satisfies Record<string, Localized>;

/** Sentences with values in them, each by its parts. */
export const SENTENCES = {
  benched: (address: string | undefined, bytes: number) => ({
    en: `, ${address === undefined ? "a host of its own" : `the host at ${address}`}, payloads of ${bytes} bytes`,
    zh: `，${address === undefined ? "自带的 host" : `${address} 上的 host`}，负载 ${bytes} 字节`,
  }),
  published: (count: number, topic: string) => ({
    en: `${count} published on ${topic}`,
    zh: `已向 ${topic} 发布 ${count} 条`,
  }),
  waiting: (address: string) => ({
    en: `Waiting for the host at ${address} …`,
    zh: `正在等待 ${address} 上的 host……`,
  }),
  connected: () => ({ en: "Connected.", zh: "已连接。" }),
  notShown: (count: number) => ({
    en: `${count} messages were not shown: they came faster than they could be printed, or while it stopped.`,
    zh: `有 ${count} 条消息未显示：来得比输出快，或在停止时到达。`,
  }),
  wasCut: (times: number) => ({
    en: `The connection was lost ${times} time(s) meanwhile; messages sent just before may be lost.`,
    zh: `其间连接断开 ${times} 次；断开前刚发出的消息可能丢失。`,
  }),
  more: (count: number) => ({
    en: `${count} more; --limit and --filter choose.`,
    zh: `还有 ${count} 项；可用 --limit 和 --filter 选择。`,
  }),
  none: (what: string) => ({ en: `The host has no ${what}.`, zh: `host 上没有内容（${what}）。` }),
  noneSuch: (what: string, filter: string) => ({
    en: `The host has no ${what} with "${filter}" in a name.`,
    zh: `host 上没有名称含“${filter}”的内容（${what}）。`,
  }),
  saved: (agent: string, file: string) => ({
    en: `state of ${agent} saved to ${file}`,
    zh: `${agent} 的状态已保存到 ${file}`,
  }),
  loaded: (agent: string, file: string) => ({
    en: `state of ${agent} loaded from ${file}`,
    zh: `已从 ${file} 载入 ${agent} 的状态`,
  }),
} as const satisfies Record<string, (...values: never[]) => Localized>;
