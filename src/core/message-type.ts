import type { StandardSchemaV1 } from "@standard-schema/spec";
import { JSON_CONTENT_TYPE } from "./envelope.ts";
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

/** Which type each living message is of; weak, so that nothing is held and frozen objects work too. */
const typeOfValue = new WeakMap<object, MessageType<never>>();

/** Records that a value is of a type; used by implementations of {@link MessageType}. */
export function markMessage<T extends object>(value: T, type: MessageType<T>): T {
  typeOfValue.set(value, type as MessageType<never>);
  return value;
}

/** The type of a value made by `of` or `decode`, or undefined. */
export function messageTypeOf(value: object): MessageType | undefined {
  return typeOfValue.get(value) as MessageType | undefined;
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
