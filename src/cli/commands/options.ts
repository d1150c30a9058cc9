import { PRIORITIES } from "../../core/priority.ts";
import { MAX_EVERY_MS, MIN_EVERY_MS } from "../../core/recurrence.ts";
import type { Localized } from "../language.ts";
import { durationType, numberType, sizeType } from "../quantity-types.ts";
import { choiceType, type SettingType, switchType, textType } from "../setting-types.ts";
import { fromType } from "./from-type.ts";
import { rateType } from "./rate-type.ts";

/** A flag of commands. Unlike a setting it has no environment variable and no key in a file. */
export interface CommandOption<T> {
  readonly type: SettingType<T>;
  readonly about: Localized;
}

function option<T>(declared: CommandOption<T>): CommandOption<T> {
  return Object.freeze(declared);
}

const MAX_COUNT = 1_000_000_000;
/** What a timer can hold, nearly 25 days. */
const MAX_TIME_MS = 2 ** 31 - 1;
/** How long anything is kept, a hundred years. */
const MAX_AGE_MS = 100 * 365 * 86_400_000;

/** Every flag that is not a setting. Commands that share one mean the same by it. */
export const OPTIONS = Object.freeze({
  json: option({
    type: switchType,
    about: { en: "Prints JSON for programs instead of text.", zh: "输出供程序使用的 JSON。" },
  }),
  count: option({
    type: numberType({ min: 1, max: MAX_COUNT, isInteger: true }),
    about: { en: "Ends after so many messages.", zh: "达到该消息数后结束。" },
  }),
  rate: option({
    type: rateType,
    about: {
      en: "The most messages in a time, such as 10/s or 6/m. Without --count, DATA is repeated until Ctrl-C.",
      zh: "单位时间内的最多消息数，如 10/s、6/m。不带 --count 时重复发送直到 Ctrl-C。",
    },
  }),
  priority: option({
    type: choiceType(PRIORITIES),
    about: { en: "How urgent the messages are.", zh: "消息的优先级。" },
  }),
  type: option({
    type: textType({
      placeholder: "NAME",
      accepts: { en: "the name of a data type", zh: "数据类型名" },
      pattern: /^[^\s\p{Cc}]{1,255}$/u,
      hint: "is not the name of a data type. Write it as EnvironmentData.",
    }),
    about: {
      en: "The data type of DATA, which is then JSON. Without it DATA is the content of a Message, the type of the short API.",
      zh: "DATA 的数据类型，此时 DATA 为 JSON。不带此项时 DATA 为 Message（短 API 的类型）的内容。",
    },
  }),
  timeout: option({
    type: durationType({ min: 1, max: MAX_TIME_MS }),
    about: {
      en: "How long to wait for the answer (default: 60s).",
      zh: "等待回答的最长时间（默认：60s）。",
    },
  }),
  "connect-timeout": option({
    type: durationType({ min: 1, max: MAX_TIME_MS }),
    about: {
      en: "How long to wait for the host (default: 5s; sub waits for ever).",
      zh: "等待 host 的最长时间（默认：5s；sub 一直等待）。",
    },
  }),
  limit: option({
    type: numberType({ min: 1, max: 10_000, isInteger: true }),
    about: { en: "The most rows (default: 1000).", zh: "最多行数（默认：1000）。" },
  }),
  filter: option({
    type: textType({
      placeholder: "TEXT",
      accepts: { en: "a part of a name", zh: "名称的一部分" },
      pattern: /^[^\p{Cc}]{1,255}$/u,
      hint: "is not a part of a name.",
    }),
    about: { en: "Only rows that have this text in a name.", zh: "只列出名称含此文本的行。" },
  }),
  duration: option({
    type: durationType({ min: 10, max: 600_000 }),
    about: {
      en: "How long each measurement takes (default: 2s).",
      zh: "每项测量的时长（默认：2s）。",
    },
  }),
  "payload-size": option({
    // The least has room for the number by which a lost message is found.
    type: sizeType({ min: 4, max: 1024 ** 3 }),
    about: {
      en: "Bytes of each message (default: 128).",
      zh: "每条消息的字节数（默认：128）。",
    },
  }),
  dialect: option({
    type: choiceType(["agentrt", "autogen"] as const),
    about: {
      en: "How to speak with the host (default: agentrt, and autogen with hosts that know only that).",
      zh: "与 host 通信的协议（默认：agentrt；host 不支持时用 autogen）。",
    },
  }),
  from: option({
    type: fromType,
    about: {
      en: "Begins with stored messages of durable topics: at a position, at a time (ISO 8601), or so long ago, such as 10m.",
      zh: "从持久主题已存储的消息开始：某个位置、某个时间（ISO 8601），或多久以前，如 10m。",
    },
  }),
  durable: option({
    type: switchType,
    about: {
      en: "Messages are stored before they are acknowledged, and delivered until they were handled.",
      zh: "消息先存储再确认，并一直投递到处理完成为止。",
    },
  }),
  "retention-age": option({
    type: durationType({ min: 1_000, max: MAX_AGE_MS }),
    about: {
      en: "Older messages are removed, delivered or not (default: no limit).",
      zh: "更旧的消息会被删除，无论是否已投递（默认：不限）。",
    },
  }),
  "retention-count": option({
    type: numberType({ min: 1, max: Number.MAX_SAFE_INTEGER, isInteger: true }),
    about: {
      en: "The most messages that are kept; the oldest go first (default: no limit).",
      zh: "最多保留的消息条数，最旧的先删除（默认：不限）。",
    },
  }),
  "retention-size": option({
    type: sizeType({ min: 1, max: 1024 ** 5 }),
    about: {
      en: "The most bytes of messages that are kept; the oldest go first (default: no limit).",
      zh: "最多保留的消息字节数，最旧的先删除（默认：不限）。",
    },
  }),
  "max-deliver": option({
    type: numberType({ min: 1, max: 1_000_000, isInteger: true }),
    about: {
      en: "Deliveries of a message to one subscription before it is given up (default: the host's).",
      zh: "向一个订阅投递同一消息的最多次数，之后放弃（默认：由 host 决定）。",
    },
  }),
  ttl: option({
    type: durationType({ min: 1, max: MAX_AGE_MS }),
    about: {
      en: "How long after its publication a message is worth delivering (default: for ever).",
      zh: "消息发布后在多长时间内值得投递（默认：永久）。",
    },
  }),
  cron: option({
    type: textType({
      placeholder: "PATTERN",
      accepts: {
        en: "a cron pattern of five fields, or six with seconds first",
        zh: "cron 表达式：五个字段，或六个字段（秒在前）",
      },
      pattern: /^\S+(?:\s+\S+){4,6}$/,
      hint: "is no cron pattern. Write five fields, such as '0 7 * * *' for seven o'clock.",
    }),
    about: { en: "The times, as a cron pattern.", zh: "以 cron 表达式给出的时间。" },
  }),
  "time-zone": option({
    type: textType({
      placeholder: "ZONE",
      accepts: { en: "a time zone such as `Europe/Berlin`", zh: "时区，如 `Asia/Shanghai`" },
      pattern: /^[A-Za-z0-9_+/-]{1,64}$/,
      hint: "is no time zone. Write it as Europe/Berlin.",
    }),
    about: {
      en: "The time zone of --cron (default: the host's).",
      zh: "--cron 的时区（默认：host 的时区）。",
    },
  }),
  each: option({
    type: durationType({ min: MIN_EVERY_MS, max: MAX_EVERY_MS }),
    about: {
      en: "The time between two; the first comes so long from now.",
      zh: "两次之间的间隔；第一次在这段时间之后。",
    },
  }),
  missed: option({
    type: choiceType(["once", "skip"] as const),
    about: {
      en: "What becomes of times that pass while the host does not run (default: once, for all of them).",
      zh: "host 未运行期间错过的时刻如何处理（默认：once，合并发布一次）。",
    },
  }),
  every: option({
    type: durationType({ min: 100, max: 3_600_000 }),
    about: { en: "Time between two looks (default: 1s).", zh: "刷新间隔（默认：1s）。" },
  }),
});

export type OptionName = keyof typeof OPTIONS;
type ValueOf<O> = O extends CommandOption<infer T> ? T : never;

export type OptionValues = {
  readonly [N in OptionName]: ValueOf<(typeof OPTIONS)[N]> | undefined;
};

export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

/** An option by name, where the type of its value does not matter. */
export function optionOf(name: OptionName): CommandOption<unknown> {
  return OPTIONS[name];
}
