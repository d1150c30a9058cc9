import { durationType, numberType, orOff, sizeType } from "./quantity-types.ts";
import { setting } from "./setting.ts";
import { textListType } from "./setting-types.ts";

const HOST = ["host"] as const;

/** Settings of durable topics. */
export const DURABLE_SETTINGS = {
  "durable-topics": setting({
    group: "host",
    type: textListType({
      placeholder: "TOPIC",
      accepts: {
        en: "topic types, or beginnings of topic types with `*` behind, divided by commas",
        zh: "主题类型，或以 `*` 结尾的主题类型前缀，用逗号分隔",
      },
      pattern: /^(\*|[\p{L}\p{N}_\-.:=]{1,1024}\*?)$/u,
      hint: "is not a topic type. Write orders, or orders.* for all that begin so.",
    }),
    roles: HOST,
    fallback: (): readonly string[] => [],
    fallbackText: { en: "none", zh: "无" },
    about: {
      en: "Durable topics: their messages are on disk before their publisher hears that they are accepted, and every subscribed agent type gets each of them, whatever is restarted or killed meanwhile. Needs `--data`. Once declared, a topic stays durable in that folder.",
      zh: "持久主题：消息写入磁盘后发布方才得到确认，每个订阅的智能体类型都会收到每条消息，无论期间有何重启或终止。需要 `--data`。一经声明，该主题在该文件夹中保持持久。",
    },
  }),
  "durable-max-deliver": setting({
    group: "limits",
    type: numberType({ min: 1, max: 1_000_000, isInteger: true }),
    roles: HOST,
    fallback: () => 10,
    about: {
      en: "Deliveries of one durable message that its handler may fail, each after a longer pause, before it is put with the dead ones.",
      zh: "单条持久消息允许处理失败的投递次数，每次间隔更长，超过后归入死信。",
    },
    prevents: {
      en: "a message that no handler can take coming again for ever",
      zh: "任何处理函数都无法处理的消息永远重复投递",
    },
  }),
  "durable-dead-max-count": setting({
    group: "limits",
    type: numberType({ min: 1, max: 10_000_000, isInteger: true }),
    roles: HOST,
    fallback: () => 100_000,
    about: {
      en: "The most dead durable messages that are kept. The oldest are dropped, counted as `deadDropped`.",
      zh: "最多保留的持久死信条数。最旧的先丢弃，计入 `deadDropped`。",
    },
    prevents: {
      en: "dead messages that nobody looks after growing for ever",
      zh: "无人处理的死信无限增长",
    },
  }),
  "durable-dead-max-size": setting({
    group: "limits",
    type: sizeType({ min: 1_024 ** 2, max: 1_024 ** 4 }),
    roles: HOST,
    fallback: () => 256 * 1_024 ** 2,
    about: {
      en: "The most bytes of the batches that dead durable messages are in. The oldest are dropped, but never the newest.",
      zh: "持久死信所在批次的最大总字节数。最旧的先丢弃，但最新的一条总会保留。",
    },
    prevents: {
      en: "dead messages that take the room of living ones",
      zh: "死信占用正常消息的空间",
    },
  }),
  "durable-dead-max-age": setting({
    group: "limits",
    type: orOff(durationType({ min: 1_000, max: 100 * 365 * 86_400_000 })),
    roles: HOST,
    fallback: () => 30 * 86_400_000,
    about: {
      en: "How long a dead durable message is kept.",
      zh: "持久死信的保留时间。",
    },
    prevents: {
      en: "dead messages that nobody remembers the reason of",
      zh: "早已无人知晓缘由的死信",
    },
  }),
  "durable-max-size": setting({
    group: "limits",
    type: sizeType({ min: 1_024 ** 2, max: 1_024 ** 4 }),
    roles: HOST,
    fallback: () => 64 * 1_024 ** 3,
    about: {
      en: "The largest size of the file that keeps durable messages. When it is full, publishing on durable topics fails with STORE_FULL until retention has made room; all other topics go on.",
      zh: "保存持久消息的文件的最大长度。写满后，向持久主题发布会以 STORE_FULL 失败，直至按保留规则腾出空间；其他主题不受影响。",
    },
    prevents: {
      en: "durable messages that fill the disk that others need",
      zh: "持久消息占满他人需要的磁盘",
    },
  }),
};
