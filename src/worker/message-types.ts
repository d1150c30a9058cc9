import { EMPTY_PAYLOAD, type Payload, PROTOBUF_CONTENT_TYPE } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { type MessageType, messageTypeOf, UnknownPayload } from "../core/message-type.ts";

/** The message types that one runtime knows: turns values into payloads and payloads into values. */
export class MessageTypes {
  /** By name, then by encoding: a key made of both would be a new text for each message. */
  readonly #byName = new Map<string, Map<string, MessageType>>();
  /** What was found last, for messages come in rows of one type. */
  #last: MessageType | undefined;

  /**
   * Makes a type known. Of two declarations of one name and encoding the first is used for
   * decoding; agents convert to their own declaration.
   */
  add(type: MessageType): void {
    const types = this.#byName.get(type.name) ?? new Map<string, MessageType>();
    this.#byName.set(type.name, types);
    if (!types.has(type.contentType)) {
      types.set(type.contentType, type);
    }
  }

  find(name: string, contentType: string): MessageType | undefined {
    const last = this.#last;
    if (last !== undefined && last.name === name && last.contentType === contentType) {
      return last;
    }
    const found = this.#byName.get(name)?.get(contentType);
    this.#last = found ?? last;
    return found;
  }

  /**
   * An `UnknownPayload` goes out as it came in.
   * @throws AgentrtError `UNTYPED_MESSAGE`, `INVALID_MESSAGE`
   */
  encode(message: object): Payload {
    if (message instanceof UnknownPayload) {
      const { dataType, contentType, data } = message;
      return { dataType, contentType, data };
    }
    const type = messageTypeOf(message) ?? this.#findProtobufType(message);
    if (type === undefined) {
      throw new AgentrtError(
        "UNTYPED_MESSAGE",
        `The message (${describe(message)}) has no message type. Make it with the type's of(), for example Reading.of({ ... }).`,
      );
    }
    return { dataType: type.name, contentType: type.contentType, data: type.encode(message) };
  }

  /** A missing result (undefined) is the empty payload. @throws AgentrtError as `encode` */
  encodeResult(result: object | undefined): Payload {
    return result === undefined ? EMPTY_PAYLOAD : this.encode(result);
  }

  /**
   * The value, or an `UnknownPayload` when the type is not known here.
   * @throws AgentrtError `INVALID_MESSAGE`, naming the field
   */
  decode(payload: Payload): object {
    const { dataType, contentType, data } = payload;
    return (
      this.find(dataType, contentType)?.decode(data) ??
      new UnknownPayload(dataType, contentType, data)
    );
  }

  /** As `decode`; undefined for the empty payload. */
  decodeResult(payload: Payload): object | undefined {
    return payload.dataType === "" && payload.data.byteLength === 0
      ? undefined
      : this.decode(payload);
  }

  /** Messages that protobuf-es made carry their type's name. */
  #findProtobufType(message: object): MessageType | undefined {
    const name = "$typeName" in message ? message.$typeName : undefined;
    return typeof name === "string" ? this.find(name, PROTOBUF_CONTENT_TYPE) : undefined;
  }
}

function describe(message: object): string {
  if ("$typeName" in message && typeof message.$typeName === "string") {
    return `protobuf ${message.$typeName}, which addMessageType(protobufMessage(...)) would make known`;
  }
  const keys = Object.keys(message).slice(0, 5).join(", ");
  return `${message.constructor?.name ?? "object"} { ${keys} }`;
}
