import type { JsonValue } from "../core/agent.ts";
import { JSON_CONTENT_TYPE } from "../core/envelope.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { type MessageType, markMessage } from "../core/message-type.ts";
import { priorityOf } from "../core/priority.ts";
import type { PublishOptions } from "../core/runtime.ts";
import type { Topic } from "./topic.ts";

export type MessageMetadata = Readonly<Record<string, JsonValue>>;

export interface MessageFields {
  /** Any JSON value. */
  readonly content: JsonValue;
  /** `type`, `type/source`, or a `Topic`. */
  readonly topic: string | Topic;
  /** `priority` (`high`, `normal`, `low`) also decides how urgently the message travels; `retain` (`true`, `"clear"`) whether it is kept for new subscribers. Default: empty. */
  readonly metadata?: MessageMetadata;
}

/**
 * A message of the short API. On the wire it is JSON data of type `Message` with exactly the
 * fields `content`, `topic` and `metadata`, so a Python dataclass of that name receives it.
 */
export class Message {
  readonly content: JsonValue;
  /** As the sender wrote it; `publish` refuses one that is not a legal topic. */
  readonly topic: string;
  readonly metadata: MessageMetadata;

  constructor({ content, topic, metadata = {} }: MessageFields) {
    this.content = content;
    this.topic = topic.toString();
    this.metadata = metadata;
    markMessage(this, MESSAGE_TYPE);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The message type of {@link Message}, for agents that handle it. */
export const MESSAGE_TYPE: MessageType<Message> = Object.freeze({
  name: "Message",
  contentType: JSON_CONTENT_TYPE,
  of: (value: Message) => value,
  encode: encodeMessage,
  decode: decodeMessage,
  is: (value: unknown): value is Message => value instanceof Message,
});

/** How a message travels, by its metadata. */
export function publishOptionsOf({ metadata: { priority, retain } }: Message): PublishOptions {
  const headers = typeof priority === "string" ? { priority } : {};
  const isRetained = retain === true || retain === "true";
  return { priority: priorityOf(headers), retain: retain === "clear" ? "clear" : isRetained };
}

function encodeMessage({ content, topic, metadata }: Message): Uint8Array {
  let text: string;
  try {
    // A missing content would drop the field, which the receiver needs.
    text = JSON.stringify({ content: content ?? null, topic, metadata });
  } catch (error) {
    throw invalid("content", `cannot be written as JSON: ${messageOf(error)}`);
  }
  return encoder.encode(text);
}

function decodeMessage(data: Uint8Array): Message {
  const value = parse(data);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("", "is not a JSON object");
  }
  const { content, topic, metadata } = value as { readonly [key: string]: JsonValue | undefined };
  if (content === undefined) {
    throw invalid("content", "is missing");
  }
  if (typeof topic !== "string") {
    throw invalid("topic", "is not a text");
  }
  const isEmpty = metadata === undefined || metadata === null;
  if (!isEmpty && (typeof metadata !== "object" || Array.isArray(metadata))) {
    throw invalid("metadata", "is not an object");
  }
  return new Message({ content, topic, metadata: isEmpty ? {} : (metadata as MessageMetadata) });
}

function parse(data: Uint8Array): JsonValue {
  try {
    return JSON.parse(decoder.decode(data)) as JsonValue;
  } catch (error) {
    throw invalid("", `is not JSON text in UTF-8: ${messageOf(error)}`);
  }
}

function invalid(field: string, what: string): AgentrtError {
  const path = field === "" ? "Message" : `Message.${field}`;
  return new AgentrtError("INVALID_MESSAGE", `${path}: ${what}`, {
    data: { messageType: "Message", field },
  });
}
