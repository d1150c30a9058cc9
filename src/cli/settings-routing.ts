import { isTypePolicy, TYPE_POLICIES, type TypePolicy } from "../core/type-policy.ts";
import { durationType, numberType, sizeType } from "./quantity-types.ts";
import { ROLES } from "./roles.ts";
import { setting } from "./setting.ts";
import { textListType } from "./setting-types.ts";

const HOST = ["host"] as const;

/** `TYPE=POLICY` texts as a record. The setting's type has checked them. */
export function policiesOf(texts: readonly string[]): Readonly<Record<string, TypePolicy>> {
  const entries = texts.map((text): [string, TypePolicy] => {
    const [type = "", policy = ""] = text.split("=");
    return [type, isTypePolicy(policy) ? policy : "exclusive"];
  });
  return Object.fromEntries(entries);
}

/** Settings of the host for agent types that several workers hold, and for what outlives a connection. */
export const ROUTING_SETTINGS = {
  "agent-policy": setting({
    group: "host",
    type: textListType({
      placeholder: "TYPE=POLICY",
      accepts: {
        en: `agent types with a policy each (${TYPE_POLICIES.join(", ")}), such as \`worker=shared\`, divided by commas`,
        zh: `智能体类型及其策略（${TYPE_POLICIES.join("、")}），如 \`worker=shared\`，用逗号分隔`,
      },
      pattern: new RegExp(`^[\\p{L}\\p{N}_\\-.]{1,255}=(${TYPE_POLICIES.join("|")})$`, "u"),
      hint: `is not an agent type with a policy. Write TYPE=POLICY, with one of ${TYPE_POLICIES.join(", ")}.`,
    }),
    roles: HOST,
    fallback: (): readonly string[] => [],
    fallbackText: { en: "`exclusive` for all", zh: "全部为 `exclusive`" },
    about: {
      en: "How many workers may hold an agent type, for workers that do not say so themselves, as AutoGen's.",
      zh: "可持有某智能体类型的 worker 数量策略，用于自身未声明策略的 worker（如 AutoGen 的）。",
    },
  }),
  retain: setting({
    group: "host",
    type: textListType({
      placeholder: "TOPIC",
      accepts: {
        en: "topics as `type` or `type/source`, divided by commas",
        zh: "主题，写作 `type` 或 `type/source`，用逗号分隔",
      },
      pattern: /^[\p{L}\p{N}_\-.:=]{1,1024}(\/.+)?$/u,
      hint: "is not a topic. Write type or type/source.",
    }),
    roles: HOST,
    fallback: (): readonly string[] => [],
    fallbackText: { en: "none beyond what publishers retain", zh: "除发布方自行保留的以外没有" },
    about: {
      en: "Topics whose last value a new subscriber gets at once, whatever their publishers say.",
      zh: "新订阅者会立即收到最新值的主题，与发布方的设置无关。",
    },
  }),
  "retain-max-age": setting({
    group: "limits",
    type: durationType({ min: 1, max: 365 * 86_400_000 }),
    roles: HOST,
    fallback: () => 7 * 86_400_000,
    about: { en: "How old a retained value may get.", zh: "保留值的最长存在时间。" },
    prevents: { en: "old values that pass for current ones", zh: "陈旧的值被当作当前值" },
  }),
  "retain-owner-grace": setting({
    group: "limits",
    type: durationType({ min: 0, max: 86_400_000 }),
    roles: HOST,
    fallback: () => 60_000,
    about: {
      en: "How long retained values outlive their owner's leaving: the agent type that published them.",
      zh: "保留值的所有者（发布它的智能体类型）离开后，保留值继续存在的时间。",
    },
    prevents: { en: "ghosts of agents that are gone for good", zh: "已消失的智能体留下的残影" },
  }),
  "retain-max-values": setting({
    group: "limits",
    type: numberType({ min: 1, max: 10_000_000, isInteger: true }),
    roles: ROLES,
    fallback: () => 10_000,
    about: {
      en: "Retained values at once; the oldest go first. A worker remembers as many of its own, for a host that loses them.",
      zh: "同时保留的值的数量上限，最旧的先移除。worker 也记住同样数量的自有值，以备 host 丢失时重新提交。",
    },
    prevents: {
      en: "publishers with ever new topics that fill the memory",
      zh: "不断出现的新主题填满内存",
    },
  }),
  "retain-max-size": setting({
    group: "limits",
    type: sizeType({ min: 1_024, max: 4 * 1_024 ** 3 }),
    roles: ROLES,
    fallback: () => 64 * 1_024 ** 2,
    about: {
      en: "Bytes of all retained values, in the host and in a worker.",
      zh: "所有保留值的字节数上限，适用于 host 和 worker。",
    },
    prevents: {
      en: "a few large values that do what many small ones may not",
      zh: "少量大值绕过数量上限",
    },
  }),
  "session-grace": setting({
    group: "host",
    type: durationType({ min: 0, max: 86_400_000 }),
    roles: HOST,
    fallback: () => 0,
    about: {
      en: "How long the registrations and queued events of a worker whose connection was lost are kept for its return with the same client id. `0s` forgets it at once, as AutoGen's workers expect.",
      zh: "worker 连接丢失后，为其以相同 client-id 返回而保留登记和排队事件的时间。`0s` 表示立即遗忘，这是 AutoGen worker 所预期的。",
    },
  }),
  "max-headers": setting({
    group: "limits",
    type: numberType({ min: 1, max: 100_000, isInteger: true }),
    roles: HOST,
    fallback: () => 128,
    about: { en: "Headers (metadata) of one message.", zh: "单条消息的头（元数据）数量上限。" },
    prevents: {
      en: "messages of nothing but headers that cost much time each",
      zh: "仅由大量头组成的消息耗费处理时间",
    },
  }),
  "max-header-size": setting({
    group: "limits",
    type: sizeType({ min: 64, max: 16 * 1_024 ** 2 }),
    roles: HOST,
    fallback: () => 16 * 1_024,
    about: {
      en: "Bytes of all headers of one message, names and values.",
      zh: "单条消息所有头（名称和值）的字节数上限。",
    },
    prevents: {
      en: "data in headers, past the limits of payloads",
      zh: "将数据放入头中以绕过负载上限",
    },
  }),
};
