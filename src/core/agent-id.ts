import { AgentrtError } from "./errors.ts";

/** Source: AutoGen protocol, "Names". JavaScript's `\w` is ASCII; Python's is not, hence `\p{L}\p{N}`. */
const AGENT_TYPE = /^[\p{L}\p{N}_\-.]+$/u;

/** Types are kept, compared, logged and shown; without a bound a peer could fill a host's memory with them. */
export const MAX_AGENT_TYPE_LENGTH = 255;

/**
 * Names one agent instance: a type that a worker registered, and a key.
 * Prints as `type/key`; the first slash divides.
 */
export class AgentId {
  readonly type: string;
  readonly key: string;
  /** Made when it is asked for first: instances are found by it. */
  #text: string | undefined;

  /**
   * @throws AgentrtError `INVALID_AGENT_ID` when the type is not letters, digits, `_`, `-`, `.`, or is longer
   *   than {@link MAX_AGENT_TYPE_LENGTH}, or the key is empty.
   */
  constructor(type: string, key: string) {
    assertAgentType(type);
    if (key === "") {
      throw new AgentrtError(
        "INVALID_AGENT_ID",
        `Agent key of type "${shorten(type)}" is empty. Give a key such as "default".`,
      );
    }
    this.type = type;
    this.key = key;
  }

  /** @throws AgentrtError `INVALID_AGENT_ID` when the text is not `type/key`. */
  static parse(text: string): AgentId {
    const slash = text.indexOf("/");
    if (slash < 0) {
      throw new AgentrtError(
        "INVALID_AGENT_ID",
        `"${shorten(text)}" is not an agent id. Write it as type/key.`,
      );
    }
    return new AgentId(text.slice(0, slash), text.slice(slash + 1));
  }

  equals(other: AgentId | undefined): boolean {
    return other !== undefined && other.type === this.type && other.key === this.key;
  }

  toString(): string {
    this.#text ??= `${this.type}/${this.key}`;
    return this.#text;
  }
}

export function isAgentType(text: string): boolean {
  return text.length <= MAX_AGENT_TYPE_LENGTH && AGENT_TYPE.test(text);
}

/** @throws AgentrtError `INVALID_AGENT_ID` */
export function assertAgentType(text: string): void {
  if (!isAgentType(text)) {
    throw new AgentrtError(
      "INVALID_AGENT_ID",
      `"${shorten(text)}" is not a legal agent type. Use letters, digits, "_", "-" and "." only, ${MAX_AGENT_TYPE_LENGTH} at the most.`,
    );
  }
}

/** Cuts a text from a peer to a length that fits a log line; half a surrogate pair is cut off too. */
export function shorten(text: string, length = 80): string {
  if (text.length <= length) {
    return text;
  }
  const cut = text.slice(0, length);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}
