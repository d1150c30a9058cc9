import { type AgentId, shorten } from "./agent-id.ts";
import { AgentrtError } from "./errors.ts";

/** Source: AutoGen protocol, "Names". */
const TOPIC_TYPE = /^[\p{L}\p{N}_\-.:=]+$/u;

/** Topic types are counted and shown; without a bound a peer could fill a host's memory with them. */
export const MAX_TOPIC_TYPE_LENGTH = 1_024;

/** Where a message is published: a type, which subscriptions match, and a source, which becomes the receiver's key. */
export class TopicId {
  readonly type: string;
  readonly source: string;

  /**
   * @throws AgentrtError `INVALID_TOPIC` when the type is not letters, digits, `_`, `-`, `.`, `:`, `=`, or is
   *   longer than {@link MAX_TOPIC_TYPE_LENGTH}, or the source is empty.
   */
  constructor(type: string, source: string) {
    assertTopicType(type);
    if (source === "") {
      throw new AgentrtError(
        "INVALID_TOPIC",
        `Topic source of "${shorten(type)}" is empty. Give a source such as "default".`,
      );
    }
    this.type = type;
    this.source = source;
  }

  /** @throws AgentrtError `INVALID_TOPIC` when the text is not `type/source`. */
  static parse(text: string): TopicId {
    const slash = text.indexOf("/");
    if (slash < 0) {
      throw new AgentrtError(
        "INVALID_TOPIC",
        `"${shorten(text)}" is not a topic id. Write it as type/source.`,
      );
    }
    return new TopicId(text.slice(0, slash), text.slice(slash + 1));
  }

  /** The topic with every implicit part filled in for a publisher; see {@link DefaultTopicId}. */
  resolveFor(_publisher: AgentId | undefined): TopicId {
    return this;
  }

  equals(other: TopicId | undefined): boolean {
    return other !== undefined && other.type === this.type && other.source === this.source;
  }

  toString(): string {
    return `${this.type}/${this.source}`;
  }
}

/**
 * AutoGen's default topic: type `default`; the source is the publishing agent's key,
 * or `default` when the publisher is not an agent.
 */
export class DefaultTopicId extends TopicId {
  readonly #isSourceImplicit: boolean;

  constructor(type = "default", source?: string) {
    super(type, source ?? "default");
    this.#isSourceImplicit = source === undefined;
  }

  override resolveFor(publisher: AgentId | undefined): TopicId {
    const source = this.#isSourceImplicit && publisher !== undefined ? publisher.key : this.source;
    return new TopicId(this.type, source);
  }
}

export function isTopicType(text: string): boolean {
  return text.length <= MAX_TOPIC_TYPE_LENGTH && TOPIC_TYPE.test(text);
}

/** @throws AgentrtError `INVALID_TOPIC` */
export function assertTopicType(text: string): void {
  if (!isTopicType(text)) {
    throw new AgentrtError(
      "INVALID_TOPIC",
      `"${shorten(text)}" is not a legal topic type. Use letters, digits, "_", "-", ".", ":" and "=" only, ${MAX_TOPIC_TYPE_LENGTH} at the most.`,
    );
  }
}
