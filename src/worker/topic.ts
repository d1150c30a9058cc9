import { AgentrtError } from "../core/errors.ts";
import { assertTopicType, TopicId } from "../core/topic-id.ts";

/** The source that a topic without one is published with, as in AutoGen's default topic. */
export const DEFAULT_SOURCE = "default";

/**
 * A topic of the short API: a topic type, and a source if it matters. Without a source it means
 * every source when subscribing, and the source `default` when publishing.
 */
export class Topic {
  readonly type: string;
  readonly source: string | undefined;

  /** @throws AgentrtError `INVALID_TOPIC` */
  constructor(type: string, source?: string) {
    assertTopicType(type);
    if (source === "") {
      throw new AgentrtError(
        "INVALID_TOPIC",
        `The source of topic "${type}" is empty. Leave it out instead.`,
      );
    }
    this.type = type;
    this.source = source;
  }

  /** Reads `type` or `type/source`. @throws AgentrtError `INVALID_TOPIC` */
  static parse(text: string): Topic {
    const slash = text.indexOf("/");
    return slash < 0 ? new Topic(text) : new Topic(text.slice(0, slash), text.slice(slash + 1));
  }

  static from(topic: string | Topic): Topic {
    return typeof topic === "string" ? Topic.parse(topic) : topic;
  }

  /** True for a message that was published on `topicId`. */
  matches(topicId: TopicId): boolean {
    return (
      topicId.type === this.type && (this.source === undefined || topicId.source === this.source)
    );
  }

  toTopicId(): TopicId {
    return new TopicId(this.type, this.source ?? DEFAULT_SOURCE);
  }

  toString(): string {
    return this.source === undefined ? this.type : `${this.type}/${this.source}`;
  }
}
