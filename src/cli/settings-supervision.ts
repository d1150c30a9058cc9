import type { MailboxFullPolicy } from "../worker/mailbox.ts";
import { durationType, numberType, orOff, sizeType } from "./quantity-types.ts";
import { AGENT_ROLES } from "./roles.ts";
import { setting } from "./setting.ts";
import { choiceType } from "./setting-types.ts";

const WORKER = ["worker"] as const;
/** In whole days below the 2^31 milliseconds that a timer can wait. */
const MAX_TIMER_MS = 24 * 86_400_000;
const TIMER = durationType({ min: 1, max: MAX_TIMER_MS });
const FAILURES = numberType({ min: 1, max: 1_000_000, isInteger: true });

/** How a worker treats agents that fail, hang, idle or fall behind, where their own options say nothing. */
export const SUPERVISION_SETTINGS = {
  "handler-timeout": setting<number | undefined>({
    group: "worker",
    type: orOff(TIMER),
    roles: AGENT_ROLES,
    fallback: () => undefined,
    about: {
      en: "How long a handler may take. Then its caller gets `DEADLINE`, and an instance that does not end is made anew.",
      zh: "处理函数的时限。超时后调用方得到 `DEADLINE`，未结束的实例会重建。",
    },
    prevents: {
      en: "an agent that waits for ever and keeps its messages waiting",
      zh: "智能体无限等待并阻塞其消息",
    },
  }),
  "restart-after": setting<number | undefined>({
    group: "worker",
    type: orOff(FAILURES),
    roles: AGENT_ROLES,
    fallback: () => undefined,
    about: {
      en: "Failures in a row after which an instance is made anew with its saved state.",
      zh: "实例连续失败多少次后以已保存的状态重建。",
    },
  }),
  "restart-pause": setting({
    group: "worker",
    type: TIMER,
    roles: AGENT_ROLES,
    fallback: () => 100,
    about: {
      en: "The longest pause after the first restart; each further one without a success between doubles it.",
      zh: "首次重建后的最长停顿；其间若无成功，每次重建加倍。",
    },
  }),
  "restart-pause-max": setting({
    group: "worker",
    type: TIMER,
    roles: AGENT_ROLES,
    fallback: () => 30_000,
    about: { en: "The longest pause after any restart.", zh: "重建后停顿的上限。" },
  }),
  "circuit-after": setting<number | undefined>({
    group: "worker",
    type: orOff(FAILURES),
    roles: AGENT_ROLES,
    fallback: () => undefined,
    about: {
      en: "Failures in a row of an agent type after which it gets no messages for a while; callers get `CIRCUIT_OPEN`.",
      zh: "智能体类型连续失败多少次后暂停接收消息；调用方得到 `CIRCUIT_OPEN`。",
    },
  }),
  "circuit-open": setting({
    group: "worker",
    type: TIMER,
    roles: AGENT_ROLES,
    fallback: () => 10_000,
    about: {
      en: "How long that lasts. Then one message is let through, and its success ends it.",
      zh: "暂停的时长。之后放行一条消息，成功则恢复。",
    },
  }),
  "idle-timeout": setting<number | undefined>({
    group: "worker",
    type: orOff(TIMER),
    roles: AGENT_ROLES,
    fallback: () => undefined,
    about: {
      en: "An instance without a message for so long is saved and put away, and comes back with its state.",
      zh: "实例在此时间内无消息则保存并移出内存，需要时带状态恢复。",
    },
    prevents: {
      en: "instances of keys that never come again and stay for ever",
      zh: "不再出现的 key 的实例永久占用内存",
    },
  }),
  "max-instances": setting({
    group: "limits",
    type: numberType({ min: 1, max: 10_000_000, isInteger: true }),
    roles: AGENT_ROLES,
    fallback: () => 100_000,
    about: {
      en: "Agent instances that a worker holds at once. Beyond it idle ones are put away if `--idle-timeout` is set, and otherwise messages for new keys are refused.",
      zh: "worker 同时持有的智能体实例数。超出时，若设置了 `--idle-timeout` 则移出空闲实例，否则拒绝新 key 的消息。",
    },
    prevents: {
      en: "a peer that makes up keys until the memory is full",
      zh: "对端不断编造 key 直至内存耗尽",
    },
  }),
  "mailbox-max-messages": setting({
    group: "limits",
    type: numberType({ min: 1, max: 10_000_000, isInteger: true }),
    roles: AGENT_ROLES,
    fallback: () => 10_000,
    about: {
      en: "Messages that may wait for one agent instance.",
      zh: "等待单个智能体实例处理的消息数上限。",
    },
    prevents: {
      en: "a slow agent whose messages fill the memory",
      zh: "缓慢的智能体使消息占满内存",
    },
  }),
  "mailbox-max-size": setting({
    group: "limits",
    type: sizeType({ min: 1024, max: 4 * 1024 ** 3 }),
    roles: AGENT_ROLES,
    fallback: () => 64 * 1024 ** 2,
    about: {
      en: "Bytes that may wait for one agent instance.",
      zh: "等待单个智能体实例处理的字节数上限。",
    },
    prevents: {
      en: "a slow agent whose messages fill the memory",
      zh: "缓慢的智能体使消息占满内存",
    },
  }),
  "mailbox-full": setting<MailboxFullPolicy>({
    group: "worker",
    type: choiceType(["drop-oldest", "drop-newest"]),
    roles: AGENT_ROLES,
    fallback: () => "drop-oldest",
    about: {
      en: "Which event is lost when a mailbox is full. Calls are refused with `QUEUE_FULL`.",
      zh: "信箱已满时丢弃哪条事件。调用以 `QUEUE_FULL` 拒绝。",
    },
  }),
  "isolate-unresponsive": setting({
    group: "limits",
    type: durationType({ min: 10, max: MAX_TIMER_MS }),
    roles: WORKER,
    fallback: () => 5_000,
    about: {
      en: "The thread of an isolated agent type that does not answer for so long is ended and made anew.",
      zh: "隔离智能体类型的线程超过此时间无响应则终止并重建。",
    },
    prevents: {
      en: "an endless loop that takes a processor for ever",
      zh: "死循环永久占用处理器",
    },
  }),
  "isolate-max-memory": setting({
    group: "limits",
    type: sizeType({ min: 1024 ** 2, max: 64 * 1024 ** 3 }),
    roles: WORKER,
    fallback: () => 512 * 1024 ** 2,
    about: {
      en: "The thread of an isolated agent type that takes more memory is ended and made anew.",
      zh: "隔离智能体类型的线程占用内存超过此值则终止并重建。",
    },
    prevents: {
      en: "a leaking agent that takes the memory of all others",
      zh: "泄漏内存的智能体挤占其他智能体的内存",
    },
  }),
};
