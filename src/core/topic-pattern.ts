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
