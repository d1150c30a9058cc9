import { COMPRESSIONS } from "../worker/compression.ts";
import { numberType, sizeType } from "./quantity-types.ts";
import { AGENT_ROLES } from "./roles.ts";
import { setting } from "./setting.ts";
import { choiceType } from "./setting-types.ts";

/** Settings of agentrt's own dialect. */
export const LINK_SETTINGS = {
  compression: setting({
    group: "worker",
    type: choiceType(COMPRESSIONS),
    roles: AGENT_ROLES,
    fallback: () => "auto" as const,
    about: {
      en: "Compresses batches of 1 KiB and more on their way to the host and from it to the receivers, where that makes them smaller. `zstd` and `gzip` where the host knows it, `auto` the best of them unless the host is on this machine.",
      zh: "压缩发往主机并由主机转发给接收方的 1 KiB 及以上的批次，仅在确实变小时采用。`zstd`、`gzip` 需主机支持；`auto` 在主机不在本机时选用两者中最好的。",
    },
  }),
  "max-routes": setting({
    group: "limits",
    type: numberType({ min: 1, max: 1_000_000, isInteger: true }),
    roles: ["host"],
    fallback: () => 16_384,
    about: {
      en: "Routes that one worker may have at a time: topics, each with a sender and a data type.",
      zh: "单个 worker 可同时使用的路由数：主题连同发送者和数据类型。",
    },
    prevents: {
      en: "a worker that fills the host's memory with ever new topics",
      zh: "worker 不断使用新主题而占满主机内存",
    },
  }),
  "link-window": setting({
    group: "limits",
    type: sizeType({ min: 1_024, max: 1_024 ** 3 }),
    roles: ["host"],
    fallback: () => 512 * 1_024,
    about: {
      en: "Bytes that a worker may have under way to the host in agentrt's own dialect. More is faster over long lines; less lets urgent messages overtake sooner.",
      zh: "使用 agentrt 自有协议时，worker 发往主机途中允许的字节数。较大值在长线路上更快，较小值使紧急消息更早超越。",
    },
    prevents: {
      en: "a publisher that is faster than its receivers filling memory on the way",
      zh: "发布方快于接收方而占满途中内存",
    },
  }),
  "link-window-messages": setting({
    group: "limits",
    type: numberType({ min: 16, max: 1_000_000_000, isInteger: true }),
    roles: ["host"],
    fallback: () => 65_536,
    about: {
      en: "Messages that a worker may have under way to the host in agentrt's own dialect. The last batch of them may go over it.",
      zh: "使用 agentrt 自有协议时，worker 发往主机途中允许的消息数。其中最后一批可以超出。",
    },
    prevents: {
      en: "tiny messages, which the bytes of the window hardly limit, flooding queues",
      zh: "极小的消息几乎不受窗口字节数限制而淹没队列",
    },
  }),
};
