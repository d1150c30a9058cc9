import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  defineBytes,
  defineMessage,
  Message,
  type MessageOf,
  protobufMessage,
  UnknownPayload,
} from "agentrt";
import * as v from "valibot";
import {
  type Reading as ReadingData,
  ReadingSchema,
} from "../../proto/gen/agentrt/test/v1/reading_pb.ts";
import type { Described } from "../peer.ts";

/** The types that both languages' peers share by name; `python/messages.py` declares the same. */
export const Note = defineMessage("Note", v.object({ text: v.string(), number: v.number() }));
export const Ask = defineMessage(
  "Ask",
  v.object({
    what: v.string(),
    text: v.string(),
    count: v.optional(v.number(), 0),
    to: v.optional(v.string(), ""),
  }),
);
export const Answer = defineMessage(
  "Answer",
  v.object({ text: v.string(), served_by: v.string(), asked_by: v.string() }),
);
export const Climate = defineMessage(
  "Climate",
  v.object({
    temperature: v.number(),
    place: v.object({ room: v.string(), floor: v.number() }),
    tags: v.array(v.string()),
    comment: v.nullish(v.string(), null),
  }),
);
/** Known in this language only, as `Round` is in the other. */
export const Whisper = defineMessage("Whisper", v.object({ text: v.string() }));
export const Reading = protobufMessage(ReadingSchema);
/** Described by its bytes in base64. */
export const Blob = defineBytes("Blob");

export type Ask = MessageOf<typeof Ask>;
export type Answer = MessageOf<typeof Answer>;

const JSON_TYPES = [Note, Ask, Answer, Climate, Whisper] as const;

/** The message that a command describes. */
export function fromDescription({ type, data }: Described): object {
  if (type === Reading.name) {
    return Reading.of(fromJson(ReadingSchema, data as JsonValue));
  }
  if (type === Blob.name) {
    return Blob.of(Buffer.from(String(data), "base64"));
  }
  const jsonType = JSON_TYPES.find((candidate) => candidate.name === type);
  if (jsonType === undefined) {
    throw new Error(`This peer has no message type ${type}.`);
  }
  return jsonType.of(data as never);
}

/** The description of a message that this peer got; null for no message. */
export function describe(message: object | undefined): Described | null {
  if (message === undefined) {
    return null;
  }
  if (message instanceof UnknownPayload) {
    const { dataType, contentType, data } = message;
    return { type: "UnknownPayload", data: { dataType, contentType, bytes: data.byteLength } };
  }
  if (message instanceof Message) {
    const { content, topic, metadata } = message;
    return { type: "Message", data: { content, topic, metadata } };
  }
  if (Reading.is(message)) {
    return { type: Reading.name, data: toJson(ReadingSchema, message) };
  }
  if (Blob.is(message)) {
    return { type: Blob.name, data: Buffer.from(message.bytes).toString("base64") };
  }
  const jsonType = JSON_TYPES.find((candidate) => candidate.is(message));
  return { type: jsonType?.name ?? "nameless", data: message };
}

export function reading(sensor: string, celsius: number): ReadingData {
  return Reading.of(create(ReadingSchema, { sensor, celsius }));
}
