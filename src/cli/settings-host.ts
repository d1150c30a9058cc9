import { durationType, numberType, sizeType } from "./quantity-types.ts";
import { setting } from "./setting.ts";
import { addressType, choiceType } from "./setting-types.ts";

export const SLOW_WORKER_POLICIES = ["shed", "disconnect"] as const;

const HOST = ["host"] as const;

function countOf(max: number) {
  return numberType({ min: 1, max, isInteger: true });
}

/** Settings of the host. */
export const HOST_SETTINGS = {
  listen: setting({
    group: "host",
    type: addressType({ minPort: 0, hasOff: false }),
    roles: HOST,
    fallback: () => "127.0.0.1:50051",
    about: { en: "Where workers connect.", zh: "worker 连接的地址。" },
  }),
  http: setting({
    group: "host",
    type: addressType({ minPort: 0, hasOff: true }),
    roles: HOST,
    fallback: () => "127.0.0.1:8080",
    about: {
      en: "Where the status page, `/api/status`, `/healthz`, `/readyz` and `/metrics` are.",
      zh: "状态页面、`/api/status`、`/healthz`、`/readyz` 和 `/metrics` 的地址。",
    },
  }),
  "rpc-timeout": setting({
    group: "limits",
    type: durationType({ min: 1, max: 86_400_000 }),
    roles: HOST,
    fallback: () => 60_000,
    about: {
      en: "How long a call waits for its answer before the host answers with an error.",
      zh: "调用等待应答的最长时间，超时后由 host 返回错误。",
    },
    prevents: {
      en: "callers that wait for ever for an agent that hangs",
      zh: "智能体卡住时调用方永远等待",
    },
  }),
  "outbox-max-messages": setting({
    group: "limits",
    type: countOf(1_000_000),
    roles: HOST,
    fallback: () => 100_000,
    about: {
      en: "Messages that may wait for one worker in the host.",
      zh: "host 中等待发给单个 worker 的消息数上限。",
    },
    prevents: {
      en: "a worker that stops reading and makes the host grow without end",
      zh: "停止读取的 worker 使 host 内存无限增长",
    },
  }),
  "outbox-max-size": setting({
    group: "limits",
    type: sizeType({ min: 64 * 1024, max: 4 * 1024 ** 3 }),
    roles: HOST,
    fallback: () => 64 * 1024 ** 2,
    about: {
      en: "Bytes that may wait for one worker in the host.",
      zh: "host 中等待发给单个 worker 的字节数上限。",
    },
    prevents: {
      en: "a few large messages that do what many small ones may not",
      zh: "少量大消息绕过消息数上限",
    },
  }),
  "publisher-hold": setting({
    group: "limits",
    type: durationType({ min: 0, max: 60_000 }),
    roles: HOST,
    fallback: () => 500,
    about: {
      en: "How long a publisher is held back at most while every receiver of its message is crowded, before messages are shed. `0s` never holds back.",
      zh: "当消息的所有接收方都积压时，发布方最多被暂缓的时间，超过后丢弃消息。`0s` 表示从不暂缓。",
    },
    prevents: {
      en: "a fast publisher that floods its receivers and so loses its own messages",
      zh: "发布方过快淹没接收方而丢失自己的消息",
    },
  }),
  "slow-worker-policy": setting({
    group: "limits",
    type: choiceType(SLOW_WORKER_POLICIES),
    roles: HOST,
    fallback: (): (typeof SLOW_WORKER_POLICIES)[number] => "shed",
    about: {
      en: "What becomes of a worker that reads too slowly: `shed` drops what no longer fits its queue, `disconnect` ends the connection.",
      zh: "worker 读取过慢时的处理：`shed` 丢弃放不下的消息，`disconnect` 断开连接。",
    },
  }),
  "slow-worker-timeout": setting({
    group: "limits",
    type: durationType({ min: 100, max: 3_600_000 }),
    roles: HOST,
    fallback: () => 30_000,
    about: {
      en: "How long a worker may take nothing while messages wait for it, before it is disconnected.",
      zh: "有消息等待而 worker 毫无读取的最长时间，超时则断开连接。",
    },
    prevents: {
      en: "frozen workers that hold their agent types and their queues for ever",
      zh: "僵死的 worker 永久占用智能体类型和队列",
    },
  }),
  "max-connections": setting({
    group: "limits",
    type: countOf(1_000_000),
    roles: HOST,
    fallback: () => 10_000,
    about: { en: "TCP connections at once.", zh: "同时存在的 TCP 连接数上限。" },
    prevents: {
      en: "a program that opens connections until memory or file handles run out",
      zh: "程序不断建立连接直至内存或文件句柄耗尽",
    },
  }),
  "max-workers": setting({
    group: "limits",
    type: countOf(1_000_000),
    roles: HOST,
    fallback: () => 10_000,
    about: {
      en: "Workers at once, connected or only announced by a registration.",
      zh: "同时存在的 worker 数上限，包括已连接的和仅登记过的。",
    },
    prevents: {
      en: "one connection that invents client ids until memory runs out",
      zh: "单个连接不断编造 client-id 直至内存耗尽",
    },
  }),
  "max-pending-calls": setting({
    group: "limits",
    type: countOf(10_000_000),
    roles: HOST,
    fallback: () => 100_000,
    about: { en: "Calls that wait for an answer at once.", zh: "同时等待应答的调用数上限。" },
    prevents: {
      en: "callers that ask faster than agents answer and make the host grow without end",
      zh: "调用速度超过应答速度使 host 内存无限增长",
    },
  }),
  "registration-grace": setting({
    group: "limits",
    type: durationType({ min: 100, max: 3_600_000 }),
    roles: HOST,
    fallback: () => 30_000,
    about: {
      en: "How long a worker that registered may take to open its stream, before it is forgotten.",
      zh: "worker 登记后打开消息流的最长时间，超时则被遗忘。",
    },
    prevents: {
      en: "agent types that are held by workers which never came",
      zh: "智能体类型被从未到来的 worker 占用",
    },
  }),
  "handshake-timeout": setting({
    group: "limits",
    type: durationType({ min: 100, max: 3_600_000 }),
    roles: HOST,
    fallback: () => 10_000,
    about: {
      en: "How long a new connection may take to show that it speaks HTTP/2.",
      zh: "新连接表明自己使用 HTTP/2 的最长时间。",
    },
    prevents: {
      en: "connections that say nothing and hold file handles",
      zh: "不发送数据的连接占用文件句柄",
    },
  }),
  "max-agent-types": setting({
    group: "limits",
    type: countOf(100_000),
    roles: HOST,
    fallback: () => 1_000,
    about: { en: "Agent types of one worker.", zh: "单个 worker 的智能体类型数上限。" },
    prevents: {
      en: "one worker that claims every name or fills the registry",
      zh: "单个 worker 占用所有名称或填满注册表",
    },
  }),
  "max-subscriptions": setting({
    group: "limits",
    type: countOf(1_000_000),
    roles: HOST,
    fallback: () => 10_000,
    about: { en: "Subscriptions of one worker.", zh: "单个 worker 的订阅数上限。" },
    prevents: {
      en: "one worker that subscribes until memory runs out",
      zh: "单个 worker 不断订阅直至内存耗尽",
    },
  }),
  "max-topics": setting({
    group: "limits",
    type: countOf(1_000_000),
    roles: HOST,
    fallback: () => 10_000,
    about: {
      en: "Topic types whose counts are remembered; the least recent go first.",
      zh: "保留统计的主题类型数上限，最久未用的先移除。",
    },
    prevents: {
      en: "publishers with ever new topics that make the counters grow without end",
      zh: "不断出现的新主题使计数器无限增长",
    },
  }),
};
