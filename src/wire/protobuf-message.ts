import {
  type DescMessage,
  fromBinary,
  isMessage,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { PROTOBUF_CONTENT_TYPE } from "../core/envelope.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { type MessageType, markMessage } from "../core/message-type.ts";

/**
 * Declares a protobuf message type from a schema that protoc-gen-es made. Its name on the wire is
 * the full message name, its data the bytes of a `google.protobuf.Any` (AutoGen protocol, "Data types").
 *
 * ```ts
 * const Reading = protobufMessage(ReadingSchema);
 * await runtime.publishMessage(Reading.of(create(ReadingSchema, { celsius: 21.5 })), topic);
 * ```
 */
export function protobufMessage<D extends DescMessage>(schema: D): MessageType<MessageShape<D>> {
  type T = MessageShape<D>;
  const { typeName } = schema;
  const type: MessageType<T> = {
    name: typeName,
    contentType: PROTOBUF_CONTENT_TYPE,
    of(value) {
      if (!isMessage(value, schema)) {
        throw new AgentrtError(
          "INVALID_MESSAGE",
          `The value is not a ${typeName}. Make it with create() of @bufbuild/protobuf.`,
        );
      }
      return markMessage(value, type);
    },
    encode(value) {
      try {
        return toBinary(AnySchema, anyPack(schema, value));
      } catch (error) {
        throw new AgentrtError(
          "INVALID_MESSAGE",
          `${typeName} cannot be encoded: ${messageOf(error)}.`,
          {
            cause: error,
          },
        );
      }
    },
    decode(data) {
      const value = unpack(schema, data);
      if (value === undefined) {
        throw new AgentrtError(
          "INVALID_MESSAGE",
          `The data is a protobuf Any, but not of ${typeName}.`,
        );
      }
      return markMessage(value, type);
    },
    is: (value): value is T => isMessage(value, schema),
  };
  return Object.freeze(type);
}

function unpack<D extends DescMessage>(schema: D, data: Uint8Array): MessageShape<D> | undefined {
  try {
    return anyUnpack(fromBinary(AnySchema, data), schema);
  } catch (error) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `The data is not a ${schema.typeName}: ${messageOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}
