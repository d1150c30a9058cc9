import type { StandardSchemaV1 } from "@standard-schema/spec";
import { BYTES_CONTENT_TYPE, JSON_CONTENT_TYPE } from "./envelope.ts";
import { AgentrtError, messageOf } from "./errors.ts";

/**
 * A kind of message: its name on the wire, how values become bytes and back, and the check
 * that they are what they say. Names are compared as AutoGen does: the class name alone for
 * JSON, the full message name for protobuf.
 */
export interface MessageType<T extends object = object> {
  readonly name: string;
  readonly contentType: string;
  /**
   * Checks a value and marks it as a message of this type, so that a runtime can send it.
   * @throws AgentrtError `INVALID_MESSAGE`, naming the field
   */
  of(value: T): T;
  /** @throws AgentrtError `INVALID_MESSAGE`, naming the field */
  encode(value: T): Uint8Array;
  /** @throws AgentrtError `INVALID_MESSAGE`, naming the field */
  decode(data: Uint8Array): T;
  /** True for a value that `of` or `decode` of this type has made. */
  is(value: unknown): value is T;
}

/** The values of a message type: `type Reading = MessageOf<typeof Reading>`. */
export type MessageOf<M> = M extends MessageType<infer T> ? T : never;

/** Data of a type that the receiver has not registered: the bytes as they came, which is no error of its own. */
export class UnknownPayload {
  readonly dataType: string;
  readonly contentType: string;
  readonly data: Uint8Array;

  constructor(dataType: string, contentType: string, data: Uint8Array) {
    this.dataType = dataType;
    this.contentType = contentType;
    this.data = data;
  }
}

class Given {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the private field of Mark goes onto this object.
    return value;
  }
}

/**
 * Which type a message is of, as a private field on the message itself: nobody sees it, nothing is
 * held, and it costs a small part of what a `WeakMap` does, which would be the largest part of
 * decoding a small message.
 */
class Mark extends Given {
  #type: MessageType<never>;

  private constructor(value: object, type: MessageType<never>) {
    super(value);
    this.#type = type;
  }

  static set(value: object, type: MessageType<never>): void {
    if (#type in value) {
      value.#type = type;
    } else {
      new Mark(value, type);
    }
  }

  static get(value: object): MessageType<never> | undefined {
    return #type in value ? value.#type : undefined;
  }
}

/** The types of frozen messages, which may take no field: engines differ in that. */
const typeOfFrozen = new WeakMap<object, MessageType<never>>();

/** Records that a value is of a type; used by implementations of {@link MessageType}. */
export function markMessage<T extends object>(value: T, type: MessageType<T>): T {
  if (Object.isExtensible(value)) {
    Mark.set(value, type as MessageType<never>);
  } else {
    typeOfFrozen.set(value, type as MessageType<never>);
  }
  return value;
}

/** The type of a value made by `of` or `decode`, or undefined. */
export function messageTypeOf(value: object): MessageType | undefined {
  if (value instanceof BytesMessage) {
    return value.type as MessageType<never> as MessageType;
  }
  if (value instanceof UnknownPayload) {
    return undefined;
  }
  const type =
    (Object.isExtensible(value) ? undefined : typeOfFrozen.get(value)) ?? Mark.get(value);
  return type as MessageType | undefined;
}

/**
 * A message that is its bytes, of a type that {@link defineBytes} declared. It names its type itself
 * instead of being marked, which would cost a small message more than all else.
 */
export class BytesMessage {
  readonly type: BytesMessageType;
  /** Not copied, neither when sent nor when received: leave them as they are. */
  readonly bytes: Uint8Array;

  constructor(type: BytesMessageType, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** A message type whose values are bytes; `of` takes them bare, too. */
export interface BytesMessageType extends MessageType<BytesMessage> {
  /** @throws AgentrtError `INVALID_MESSAGE` when the value is something else than bytes */
  of(value: Uint8Array): BytesMessage;
  // The last one is where TypeScript infers a handler's message from.
  of(value: BytesMessage): BytesMessage;
}

/**
 * Declares a message type whose data is bytes and nothing else: what is neither JSON nor protobuf,
 * or must be fast. Its content type is `application/octet-stream`. AutoGen's hosts pass it on;
 * AutoGen's workers know no such events and report an error for each.
 *
 * ```ts
 * const Frame = defineBytes("Frame");
 * await runtime.publishMessage(Frame.of(jpeg), new TopicId("frames", "door"));
 * agent.handleEvent(Frame, ({ bytes }) => show(bytes));
 * ```
 */
export function defineBytes(name: string): BytesMessageType {
  const type: BytesMessageType = {
    name,
    contentType: BYTES_CONTENT_TYPE,
    of: (value: Uint8Array | BytesMessage) => new BytesMessage(type, bytesIn(name, value)),
    encode: (value) => bytesIn(name, value),
    decode: (data) => new BytesMessage(type, data),
    is: (value): value is BytesMessage => value instanceof BytesMessage && value.type === type,
  };
  return Object.freeze(type);
}

/** The type says the same, but a caller may be JavaScript. */
function bytesIn(name: string, value: Uint8Array | BytesMessage): Uint8Array {
  const bytes: unknown = value instanceof BytesMessage ? value.bytes : value;
  if (!(bytes instanceof Uint8Array)) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `A ${name} message is made of bytes: give of() a Uint8Array.`,
      { data: { messageType: name, field: "" } },
    );
  }
  return bytes;
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true });

/** Returns the value if it is what it should be, throws otherwise; what it returns is the message. */
export type MessageCheck<T extends object> = (value: unknown) => T;

/**
 * Declares a JSON message type by any Standard Schema (valibot, zod, arktype, ...), or by a plain
 * function that checks a value. Source: standardschema.dev, version 1. The schema must check
 * synchronously.
 *
 * ```ts
 * const Reading = defineMessage("Reading", v.object({ celsius: v.number() }));
 * await runtime.publishMessage(Reading.of({ celsius: 21.5 }), new TopicId("readings", "kitchen"));
 * ```
 */
export function defineMessage<S extends StandardSchemaV1<unknown, object>>(
  name: string,
  schema: S,
): MessageType<StandardSchemaV1.InferOutput<S>>;
export function defineMessage<T extends object>(
  name: string,
  check: MessageCheck<T>,
): MessageType<T>;
export function defineMessage<T extends object>(
  name: string,
  schema: StandardSchemaV1<unknown, T> | MessageCheck<T>,
): MessageType<T> {
  // A schema of arktype is a function, too.
  const check = "~standard" in schema ? checkOf(name, schema) : checkBy(name, schema);
  const type: MessageType<T> = {
    name,
    contentType: JSON_CONTENT_TYPE,
    of: (value) => markMessage(check(value), type),
    encode: (value) => utf8Encoder.encode(writeJson(name, check(value))),
    decode: (data) => markMessage(check(parseJson(name, data)), type),
    is: (value): value is T =>
      typeof value === "object" && value !== null && messageTypeOf(value) === (type as MessageType),
  };
  return Object.freeze(type);
}

function checkBy<T extends object>(name: string, check: MessageCheck<T>): MessageCheck<T> {
  return (value) => {
    try {
      return check(value);
    } catch (error) {
      throw new AgentrtError("INVALID_MESSAGE", `${name}: ${messageOf(error)}`, {
        cause: error,
        data: { messageType: name, field: "" },
      });
    }
  };
}

function checkOf<T extends object>(
  name: string,
  schema: StandardSchemaV1<unknown, T>,
): MessageCheck<T> {
  return (value) => {
    const result = schema["~standard"].validate(value);
    if (result instanceof Promise) {
      throw new AgentrtError(
        "INVALID_MESSAGE",
        `The schema of ${name} checks asynchronously; a message type needs one that answers at once.`,
      );
    }
    if (result.issues !== undefined) {
      throw invalid(name, result.issues);
    }
    return result.value;
  };
}

function writeJson(name: string, value: object): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `A ${name} message cannot be written as JSON: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function parseJson(name: string, data: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Decoder.decode(data)) as unknown;
  } catch (error) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `The data of a ${name} message is not JSON text in UTF-8: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function invalid(name: string, issues: readonly StandardSchemaV1.Issue[]): AgentrtError {
  const [first] = issues;
  const path = (first?.path ?? []).map((part) =>
    String(typeof part === "object" ? part.key : part),
  );
  const field = [name, ...path].join(".");
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return new AgentrtError("INVALID_MESSAGE", `${field}: ${first?.message ?? "invalid"}${more}`, {
    data: { messageType: name, field: path.join(".") },
  });
}
