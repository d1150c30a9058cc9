import { AgentrtError } from "../../core/errors.ts";
import { assertTopicType } from "../../core/topic-id.ts";

/** Topic types as the service for durable topics names them. */
export interface TopicTypes {
  readonly text: string;
  readonly isPrefix: boolean;
}

/**
 * Reads `type`, or the beginning of some and `*`.
 * @throws AgentrtError `INVALID_TOPIC`
 */
export function parseTopicTypes(text: string): TopicTypes {
  if (text.includes("/")) {
    throw new AgentrtError(
      "INVALID_TOPIC",
      "Durable is said of a topic type and all its sources. Leave out the slash and what follows it.",
    );
  }
  const isPrefix = text.endsWith("*");
  const types = { text: isPrefix ? text.slice(0, -1) : text, isPrefix };
  if (!(isPrefix && types.text === "")) {
    assertTopicType(types.text);
  }
  return types;
}

export function showTopicTypes(topics: TopicTypes | undefined): string {
  return topics === undefined ? "" : `${topics.text}${topics.isPrefix ? "*" : ""}`;
}
