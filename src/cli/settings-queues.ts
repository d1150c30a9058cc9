import {
  FULL_QUEUE_POLICIES,
  type FullQueuePolicy,
  isFullQueuePolicy,
} from "../core/full-queue.ts";
import { setting } from "./setting.ts";
import { textListType } from "./setting-types.ts";

/** A topic of the last one is durable, so that no queue of it is full: its subscribers read from the store. */
const POLICIES = [...FULL_QUEUE_POLICIES, "spill"] as const;

/** `TOPIC=POLICY` texts as a record. The setting's type has checked them. */
export function fullQueueOf(texts: readonly string[]): Readonly<Record<string, FullQueuePolicy>> {
  const entries = texts.map((text): [string, FullQueuePolicy] => {
    const [topic, policy] = partsOf(text);
    return [topic, isFullQueuePolicy(policy) ? policy : "block"];
  });
  return Object.fromEntries(entries);
}

/** The topics, or beginnings of topics, that go to the store. */
export function spilledTopicsOf(texts: readonly string[]): readonly string[] {
  return texts
    .map(partsOf)
    .filter(([, policy]) => policy === "spill")
    .map(([topic]) => topic);
}

function partsOf(text: string): [topic: string, policy: string] {
  const at = text.lastIndexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Settings of the host's queues by topic. */
export const QUEUE_SETTINGS = {
  "full-queue": setting({
    group: "host",
    type: textListType({
      placeholder: "TOPIC=POLICY",
      accepts: {
        en: `topic types, or beginnings of topic types with \`*\` behind, with a policy each (${POLICIES.join(", ")}), such as \`sensor.*=keep-latest\`, divided by commas`,
        zh: `主题类型，或以 \`*\` 结尾的主题类型前缀，及其策略（${POLICIES.join("、")}），如 \`sensor.*=keep-latest\`，用逗号分隔`,
      },
      pattern: new RegExp(`^(\\*|[\\p{L}\\p{N}_\\-.:=]{1,1024}\\*?)=(${POLICIES.join("|")})$`, "u"),
      hint: `is not a topic with a policy. Write TOPIC=POLICY, with one of ${POLICIES.join(", ")}.`,
    }),
    roles: ["host"],
    fallback: (): readonly string[] => [],
    fallbackText: { en: "`block` for all", zh: "全部为 `block`" },
    about: {
      en: "What is done with a topic's messages that a worker does not read fast enough: slow their publishers down (`block`, as long as `publisher-hold` says), drop the oldest of them, keep only the newest for each retain key, or source when there is none (`keep-latest`), or let them wait in the store (`spill`: the topic is durable, as by `durable-topics`, and needs `data`). The exact topic counts, then the longest beginning.",
      zh: "worker 读取不够快时如何处理主题的消息：减慢其发布方（`block`，时长由 `publisher-hold` 决定）、丢弃其中最旧的、对每个保留键（没有时按来源）只保留最新一条（`keep-latest`），或让消息在存储中等待（`spill`：主题成为持久主题，等同 `durable-topics`，需要 `data`）。先按完整主题匹配，再按最长前缀。",
    },
  }),
};
