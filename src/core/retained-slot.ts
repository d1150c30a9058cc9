import type { EventEnvelope } from "./envelope.ts";
import { RETAIN_HEADER, RETAIN_KEY_HEADER } from "./routing-headers.ts";

/** Where the last value of an event is kept: one place for each topic, or for each key of it. */
export function retainedSlotOf({
  topic,
  headers,
}: Pick<EventEnvelope, "topic" | "headers">): string {
  const key = headers[RETAIN_KEY_HEADER];
  return key === undefined ? String(topic) : `${topic}\n${key}`;
}

/**
 * What an event's publisher wants: its value kept, the kept one forgotten, or neither. One without
 * data forgets.
 */
export function retainWishOf({
  headers,
  payload,
}: Pick<EventEnvelope, "headers" | "payload">): "keep" | "forget" | undefined {
  const header = headers[RETAIN_HEADER];
  if (header === undefined) {
    return undefined;
  }
  if (header === "clear") {
    return "forget";
  }
  if (header !== "true") {
    return undefined;
  }
  return payload.data.byteLength === 0 ? "forget" : "keep";
}
