import type { AgentId } from "./agent-id.ts";
import type { TopicId } from "./topic-id.ts";

export const JSON_CONTENT_TYPE = "application/json";
/** The payload is the bytes of a `google.protobuf.Any`, for events as for calls. */
export const PROTOBUF_CONTENT_TYPE = "application/x-protobuf";
/** The payload means nothing but its bytes. */
export const BYTES_CONTENT_TYPE = "application/octet-stream";

/** Text values only, as both CloudEvent attributes and RPC metadata carry them between AutoGen peers. */
export type Headers = Readonly<Record<string, string>>;

/** What most messages have; the same object each time. */
export const NO_HEADERS: Headers = Object.freeze({});

/** Encoded data with its type's name and its encoding; opaque to everything but the agent's runtime. */
export interface Payload {
  /** Name of the data type, such as `EnvironmentData`; empty when there is no data. */
  readonly dataType: string;
  /** {@link JSON_CONTENT_TYPE}, {@link PROTOBUF_CONTENT_TYPE}, {@link BYTES_CONTENT_TYPE}, or any other text from a peer. */
  readonly contentType: string;
  readonly data: Uint8Array;
}

/** The bytes in which a message came off the wire, so that a host can pass it on untouched. */
export interface WireForm {
  readonly dialect: "autogen";
  readonly bytes: Uint8Array;
}

/** A message published on a topic. */
export interface EventEnvelope {
  readonly kind: "event";
  readonly id: string;
  readonly topic: TopicId;
  /** Absent when the publisher is not an agent. */
  readonly sender: AgentId | undefined;
  readonly headers: Headers;
  readonly payload: Payload;
  readonly wireForm?: WireForm;
}

/** A call of one agent. `id` is unique only on its hop. */
export interface RequestEnvelope {
  readonly kind: "request";
  readonly id: string;
  readonly target: AgentId;
  readonly sender: AgentId | undefined;
  /** AutoGen's `method` field, which its workers leave empty. */
  readonly method: string;
  readonly headers: Headers;
  readonly payload: Payload;
}

/** The end of a call: a result, or an error when `error` is not empty. */
export interface ResponseEnvelope {
  readonly kind: "response";
  readonly id: string;
  readonly error: string;
  readonly headers: Headers;
  readonly payload: Payload;
}

export type Envelope = EventEnvelope | RequestEnvelope | ResponseEnvelope;

export const EMPTY_PAYLOAD: Payload = Object.freeze({
  dataType: "",
  contentType: "",
  data: new Uint8Array(0),
});

/** Fixed cost that a queue counts for one message beside its payload. */
export const ENVELOPE_OVERHEAD_BYTES = 256;

/** What one message costs a queue that is bounded in bytes. */
export function sizeOf(envelope: Envelope): number {
  const bytes = envelope.kind === "event" ? envelope.wireForm?.bytes.byteLength : undefined;
  return ENVELOPE_OVERHEAD_BYTES + (bytes ?? envelope.payload.data.byteLength);
}

/** A copy with other headers, and without the bytes that it came in, since they say otherwise. */
export function withHeaders(event: EventEnvelope, headers: Headers): EventEnvelope {
  const { kind, id, topic, sender, payload } = event;
  return { kind, id, topic, sender, payload, headers };
}
