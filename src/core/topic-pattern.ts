import { AgentrtError } from "./errors.ts";

/** Which topic types are meant, as a subscription says it: exactly one (`type`), or all that begin so (`prefix`). */
export interface TopicPattern {
  readonly kind: "type" | "prefix";
  readonly text: string;
}

export function matchesPattern(pattern: TopicPattern, topicType: string): boolean {
  return pattern.kind === "type" ? topicType === pattern.text : topicType.startsWith(pattern.text);
}

export function matchesAnyPattern(patterns: readonly TopicPattern[], topicType: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, topicType));
}

/**
 * `orders` is one topic type, `orders.*` all that begin with `orders.`.
 * @param option the option that the text is of @throws AgentrtError `INVALID_OPTION`
 */
export function topicPattern(text: string, option: string): TopicPattern {
  const isPrefix = text.endsWith("*");
  const rest = isPrefix ? text.slice(0, -1) : text;
  if (rest.includes("*") || (rest === "" && !isPrefix)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `"${text}" names no topics. Give a topic type, or the beginning of topic types with one "*" behind it.`,
      { data: { option } },
    );
  }
  return { kind: isPrefix ? "prefix" : "type", text: rest };
}
