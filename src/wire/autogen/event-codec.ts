import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { AgentId } from "../../core/agent-id.ts";
import { type EventEnvelope, type Payload, PROTOBUF_CONTENT_TYPE } from "../../core/envelope.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { TopicId } from "../../core/topic-id.ts";
import { type Message, MessageSchema } from "../gen/agents/agent_worker_pb.ts";
import type {
  CloudEvent,
  CloudEventAttributeValue,
  CloudEventAttributeValueSchema,
} from "../gen/io/cloudevents/v1/cloudevents_pb.ts";
import { ATTRIBUTE, NOBODY, senderOf } from "./attributes.ts";

const PROTOCOL_ATTRIBUTES: ReadonlySet<string> = new Set(Object.values(ATTRIBUTE));

type AttributeInit = MessageInitShape<typeof CloudEventAttributeValueSchema>;

/** @throws AgentrtError `INVALID_TOPIC`, `INVALID_AGENT_ID`, `BAD_FRAME` (no id) */
export function decodeEvent(event: CloudEvent, bytes: Uint8Array): EventEnvelope {
  if (event.id === "") {
    throw new AgentrtError("BAD_FRAME", "The event has no id. CloudEvents 1.0 asks for one.");
  }
  const others = Object.entries(event.attributes).filter(
    ([name]) => !PROTOCOL_ATTRIBUTES.has(name),
  );
  return new DecodedEvent(event, mapValues(Object.fromEntries(others), textOf), bytes);
}

/** An event as it came; its payload is put together only when somebody asks for it, which a host never does. */
class DecodedEvent implements EventEnvelope {
  readonly kind = "event";
  readonly id: string;
  readonly topic: TopicId;
  readonly sender: AgentId | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly wireForm: { readonly dialect: "autogen"; readonly bytes: Uint8Array };
  readonly #event: CloudEvent;

  constructor(event: CloudEvent, headers: Readonly<Record<string, string>>, bytes: Uint8Array) {
    this.id = event.id;
    this.topic = new TopicId(event.type, event.source);
    this.sender = senderOf(
      textOf(event.attributes[ATTRIBUTE.senderType]),
      textOf(event.attributes[ATTRIBUTE.senderKey]),
    );
    this.headers = headers;
    this.wireForm = { dialect: "autogen", bytes };
    this.#event = event;
  }

  get payload(): Payload {
    const { attributes } = this.#event;
    return {
      dataType: textOf(attributes[ATTRIBUTE.dataType]),
      contentType: textOf(attributes[ATTRIBUTE.contentType]),
      data: dataOf(this.#event),
    };
  }
}

export function encodeEvent(envelope: EventEnvelope): Message {
  const { payload, sender } = envelope;
  const attributes = mapValues(envelope.headers, text);
  attributes[ATTRIBUTE.contentType] = text(payload.contentType);
  attributes[ATTRIBUTE.dataType] = text(payload.dataType);
  attributes[ATTRIBUTE.senderType] = text(sender?.type ?? NOBODY);
  attributes[ATTRIBUTE.senderKey] = text(sender?.key ?? NOBODY);
  attributes[ATTRIBUTE.kind] = text("publish");
  return create(MessageSchema, {
    message: {
      case: "cloudEvent",
      value: {
        id: envelope.id,
        source: envelope.topic.source,
        specVersion: "1.0",
        type: envelope.topic.type,
        attributes,
        data:
          payload.contentType === PROTOBUF_CONTENT_TYPE
            ? { case: "protoData", value: parseAny(payload.data) }
            : { case: "binaryData", value: payload.data },
      },
    },
  });
}

/** As entries, because a peer may name an attribute `__proto__`, which is not to be assigned. */
function mapValues<V, R>(
  record: Readonly<Record<string, V>>,
  map: (value: V) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function text(value: string): AttributeInit {
  return { attr: { case: "ceString", value } };
}

function textOf(value: CloudEventAttributeValue | undefined): string {
  const attr = value?.attr;
  switch (attr?.case) {
    case undefined:
      return "";
    case "ceString":
    case "ceUri":
    case "ceUriRef":
      return attr.value;
    case "ceBoolean":
    case "ceInteger":
      return String(attr.value);
    case "ceBytes":
      return Buffer.from(attr.value).toString("base64");
    case "ceTimestamp":
      return timestampText(attr.value);
    default:
      throw attr satisfies never;
  }
}

/** @throws AgentrtError `BAD_FRAME` for a time that no calendar has */
function timestampText(timestamp: Timestamp): string {
  const date = timestampDate(timestamp);
  if (Number.isNaN(date.getTime())) {
    throw new AgentrtError(
      "BAD_FRAME",
      `An attribute of the event has the time ${timestamp.seconds} s after 1970, which is no date.`,
    );
  }
  return date.toISOString();
}

function dataOf(event: CloudEvent): Uint8Array {
  switch (event.data.case) {
    case undefined:
      return new Uint8Array(0);
    case "binaryData":
      return event.data.value;
    case "textData":
      return new TextEncoder().encode(event.data.value);
    case "protoData":
      return toBinary(AnySchema, event.data.value);
    default:
      throw event.data satisfies never;
  }
}

function parseAny(data: Uint8Array): ReturnType<typeof create<typeof AnySchema>> {
  try {
    return fromBinary(AnySchema, data);
  } catch (error) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `The data is marked ${PROTOBUF_CONTENT_TYPE} but is not a google.protobuf.Any: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}
