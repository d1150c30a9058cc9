import { crc32 } from "node:zlib";
import type { EventEnvelope, Payload } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { DELIVER_AT_HEADER } from "../../core/routing-headers.ts";
import type { LogBatch } from "../../store/log/message-log.ts";
import type { TopicDeclaration } from "../../store/log/topic-declaration.ts";
import { recordLength, writeRecord } from "../../wire/link/records.ts";
import { encodeStoredRoute } from "../../wire/link/stored-route.ts";

export type StoredRoute = Pick<EventEnvelope, "topic" | "sender" | "headers"> & {
  readonly dataType: string;
  readonly contentType: string;
};

/** What the batches of a route have in common, beside their records and who numbered them. @throws AgentrtError `INVALID_MESSAGE` */
export function commonOf(
  route: StoredRoute,
  { timeToLiveMs }: TopicDeclaration,
): Omit<LogBatch, "count" | "records" | "checksum" | "producer" | "sequence"> {
  const nowMs = Date.now();
  const deliverAtMs = deliverAtOf(route.headers);
  return {
    topicType: route.topic.type,
    topicSource: route.topic.source,
    route: encodeStoredRoute(route),
    encoding: 0,
    publishedAtMs: nowMs,
    expiresAtMs:
      timeToLiveMs === undefined ? undefined : Math.max(nowMs, deliverAtMs ?? 0) + timeToLiveMs,
    deliverAtMs,
  };
}

/** @throws AgentrtError `INVALID_MESSAGE` */
function deliverAtOf(headers: EventEnvelope["headers"]): number | undefined {
  const text = headers[DELIVER_AT_HEADER];
  if (text === undefined) {
    return undefined;
  }
  if (!/^\d{1,16}$/.test(text)) {
    throw new AgentrtError(
      "INVALID_MESSAGE",
      `"${text}" is no time to deliver at. Give milliseconds since 1970.`,
    );
  }
  return Number(text);
}

/** One record as the log takes it. @param extras what is its own beside its route's */
export function oneRecord(
  data: Payload["data"],
  extras: Uint8Array | undefined,
): Pick<LogBatch, "count" | "records" | "checksum"> {
  const records = new Uint8Array(recordLength(data.byteLength, extras?.byteLength ?? 0));
  writeRecord(records, 0, data, extras);
  return { count: 1, records, checksum: crc32(records) };
}
