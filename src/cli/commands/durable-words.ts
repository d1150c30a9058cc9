import type { Localized } from "../language.ts";

/** What the commands for durable topics print for people. */
export const DURABLE_TITLES = {
  attempts: { en: "ATTEMPTS", zh: "次数" },
  at: { en: "AT", zh: "时间" },
  durable: { en: "DURABLE", zh: "持久" },
  dataType: { en: "TYPE", zh: "类型" },
  id: { en: "ID", zh: "编号" },
  keepsAge: { en: "KEEPS FOR", zh: "保留时间" },
  keepsBytes: { en: "KEEPS BYTES", zh: "保留字节" },
  keepsCount: { en: "KEEPS COUNT", zh: "保留条数" },
  lastError: { en: "LAST ERROR", zh: "最后错误" },
  maxDeliver: { en: "MAX DELIVER", zh: "最多投递" },
  missed: { en: "IF MISSED", zh: "错过时" },
  name: { en: "NAME", zh: "名称" },
  next: { en: "NEXT", zh: "下次" },
  position: { en: "POSITION", zh: "位置" },
  reason: { en: "REASON", zh: "原因" },
  subscription: { en: "SUBSCRIPTION", zh: "订阅" },
  topic: { en: "TOPIC", zh: "主题" },
  times: { en: "TIMES", zh: "时间" },
  ttl: { en: "TTL", zh: "有效期" },
} as const satisfies Record<string, Localized>;

export const ANSWERS = {
  yes: { en: "yes", zh: "是" },
  no: { en: "no", zh: "否" },
} as const satisfies Record<string, Localized>;

export const DURABLE_SENTENCES = {
  topicSet: (topic: string, isDurable: boolean) => ({
    en: `${topic} is ${isDurable ? "durable" : "not durable"}`,
    zh: `${topic} ${isDurable ? "已设为持久" : "不是持久主题"}`,
  }),
  topicRemoved: (topic: string) => ({
    en: `${topic} is no longer declared; what is stored of it stays`,
    zh: `已取消对 ${topic} 的声明；已存储的消息保留`,
  }),
  noTopics: () => ({
    en: 'No topic is durable. "agentrt topic set TOPIC --durable" makes one so.',
    zh: "没有持久主题。用 agentrt topic set TOPIC --durable 声明。",
  }),
  scheduled: (name: string, at: string) => ({
    en: `${name} comes first at ${at}`,
    zh: `${name} 首次于 ${at}`,
  }),
  scheduleRemoved: (name: string) => ({ en: `${name} comes no more`, zh: `已取消 ${name}` }),
  noSchedules: () => ({
    en: 'Nothing is scheduled. "agentrt schedule set NAME TOPIC DATA --cron PATTERN" does that.',
    zh: "没有定时任务。用 agentrt schedule set NAME TOPIC DATA --cron PATTERN 添加。",
  }),
  damagedSchedule: (name: string, problem: string) => ({
    en: `${name} cannot be read and does not come: ${problem}. Remove it and set it again.`,
    zh: `${name} 无法读取，不会发布：${problem}。请删除后重新设置。`,
  }),
  noDead: () => ({
    en: "No durable message was given up.",
    zh: "没有放弃投递的持久消息。",
  }),
  deadDropped: (count: number) => ({
    en: `${count} older ones were dropped by the host's durable-dead-max-count, -size or -age since its folder was made.`,
    zh: `自数据文件夹建立以来，已按 host 的 durable-dead-max-count、-size 或 -age 丢弃 ${count} 条更早的死信。`,
  }),
  moreDead: (limit: number) => ({
    en: `These are the newest ${limit}; --limit shows more.`,
    zh: `仅显示最新的 ${limit} 条；可用 --limit 显示更多。`,
  }),
  replayed: (id: number, position: number) => ({
    en: `${id} is stored again at position ${position}`,
    zh: `${id} 已重新存储于位置 ${position}`,
  }),
  replayedAll: (count: number) => ({
    en: `${count} replayed`,
    zh: `已重新投递 ${count} 条`,
  }),
  dropped: (count: number) => ({ en: `${count} dropped`, zh: `已删除 ${count} 条` }),
  notKept: () => ({
    en: "(the message was not stored any more)",
    zh: "（消息已不再存储）",
  }),
  sound: (records: number, batches: number) => ({
    en: `sound: ${records} messages in ${batches} batches`,
    zh: `完好：${records} 条消息，${batches} 个批次`,
  }),
  unsound: (records: number, batches: number) => ({
    en: `DAMAGED: ${records} messages in ${batches} batches are sound, the rest is set aside`,
    zh: `有损坏：${records} 条消息（${batches} 个批次）完好，其余已隔离`,
  }),
  mended: () => ({
    en: "An index was damaged and has been built anew; no message was lost by it.",
    zh: "有索引损坏，已重建；消息没有因此丢失。",
  }),
  damagedRange: (first: number, last: number, topic: string, reason: string) => ({
    en: `positions ${first} to ${last}${topic === "" ? "" : ` of ${topic}`} cannot be read: ${reason}`,
    zh: `位置 ${first} 至 ${last}${topic === "" ? "" : `（${topic}）`} 无法读取：${reason}`,
  }),
  removed: (first: number, last: number) => ({
    en: `messages at positions ${first} to ${last} are not kept any more: retention removed them`,
    zh: `位置 ${first} 至 ${last} 之间有消息已按主题的保留规则删除`,
  }),
  backedUp: (folder: string, bytes: number) => ({
    en: `${bytes} bytes copied to ${folder}`,
    zh: `已将 ${bytes} 字节备份到 ${folder}`,
  }),
  compacted: (before: number, after: number) => ({
    en: `${before} bytes before, ${after} after`,
    zh: `压缩前 ${before} 字节，压缩后 ${after} 字节`,
  }),
} as const satisfies Record<string, (...values: never[]) => Localized>;
