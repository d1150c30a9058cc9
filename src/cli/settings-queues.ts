import {
  FULL_QUEUE_POLICIES,
  type FullQueuePolicy,
  isFullQueuePolicy,
} from "../core/full-queue.ts";
import { setting } from "./setting.ts";
import { textListType } from "./setting-types.ts";

/** `TOPIC=POLICY` texts as a record. The setting's type has checked them. */
export function fullQueueOf(texts: readonly string[]): Readonly<Record<string, FullQueuePolicy>> {
  const entries = texts.map((text): [string, FullQueuePolicy] => {
    const at = text.lastIndexOf("=");
    const policy = text.slice(at + 1);
    return [text.slice(0, at), isFullQueuePolicy(policy) ? policy : "block"];
  });
  return Object.fromEntries(entries);
}

/** Settings of the host's queues by topic. */
export const QUEUE_SETTINGS = {
  "full-queue": setting({
    group: "host",
    type: textListType({
      placeholder: "TOPIC=POLICY",
      accepts: {
        en: `topic types, or beginnings of topic types with \`*\` behind, with a policy each (${FULL_QUEUE_POLICIES.join(", ")}), such as \`sensor.*=keep-latest\`, divided by commas`,
        zh: `主题类型，或以 \`*\` 结尾的主题类型前缀，及其策略（${FULL_QUEUE_POLICIES.join("、")}），如 \`sensor.*=keep-latest\`，用逗号分隔`,
      },
      pattern: new RegExp(
        `^(\\*|[\\p{L}\\p{N}_\\-.:=]{1,1024}\\*?)=(${FULL_QUEUE_POLICIES.join("|")})$`,
        "u",
      ),
      hint: `is not a topic with a policy. Write TOPIC=POLICY, with one of ${FULL_QUEUE_POLICIES.join(", ")}.`,
    }),
    roles: ["host"],
    fallback: (): readonly string[] => [],
    fallbackText: { en: "`block` for all", zh: "全部为 `block`" },
    about: {
      en: "What is done with a topic's messages that a worker does not read fast enough: slow their publishers down (`block`, as long as `publisher-hold` says), drop the oldest of them, or keep only the newest for each retain key, or source when there is none. The exact topic counts, then the longest beginning.",
      zh: "worker 读取不够快时如何处理主题的消息：减慢其发布方（`block`，时长由 `publisher-hold` 决定）、丢弃其中最旧的，或对每个保留键（没有时按来源）只保留最新一条。先按完整主题匹配，再按最长前缀。",
    },
  }),
};
