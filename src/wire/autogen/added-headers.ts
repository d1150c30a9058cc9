import { create, toBinary } from "@bufbuild/protobuf";
import { type EventEnvelope, type Headers, withHeaders } from "../../core/envelope.ts";
import { MessageSchema } from "../gen/agents/agent_worker_pb.ts";

/**
 * The event with headers added or replaced. The bytes that it came in are kept and the new
 * attributes appended: where a message occurs twice, protobuf's readers merge both, and of a map's
 * equal keys the last counts (proto3, "Last One Wins"). So its data is neither decoded nor encoded.
 */
export function withAddedHeaders(event: EventEnvelope, added: Headers): EventEnvelope {
  const headers = { ...event.headers, ...added };
  if (event.wireForm === undefined) {
    return withHeaders(event, headers);
  }
  const { bytes } = event.wireForm;
  const tail = toBinary(
    MessageSchema,
    create(MessageSchema, {
      message: { case: "cloudEvent", value: { attributes: attributesOf(added) } },
    }),
  );
  const whole = new Uint8Array(bytes.byteLength + tail.byteLength);
  whole.set(bytes);
  whole.set(tail, bytes.byteLength);
  return {
    kind: "event",
    id: event.id,
    topic: event.topic,
    sender: event.sender,
    headers,
    // Read only by somebody who wants the data, which a host does not.
    get payload() {
      return event.payload;
    },
    wireForm: { dialect: "autogen", bytes: whole },
  };
}

function attributesOf(headers: Headers) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      { attr: { case: "ceString" as const, value } },
    ]),
  );
}
