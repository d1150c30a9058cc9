import { crc32 } from "node:zlib";
import type { EventEnvelope } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { DELIVER_AT_HEADER } from "../../core/routing-headers.ts";
import type { LogBatch, MessageLog } from "../../store/log/message-log.ts";
import type { TopicDeclaration } from "../../store/log/topic-declaration.ts";
import { encodeExtras, recordLength, writeRecord } from "../../wire/link/records.ts";
import { encodeStoredRoute } from "../../wire/link/stored-route.ts";
import type { IncidentLog } from "../incident-log.ts";
import type { InboundBatch } from "../link/inbound-batch.ts";
import type { DurableCounts } from "./durable-counts.ts";

export interface DurablePublisherParts {
  readonly log: MessageLog | undefined;
  readonly incidents: IncidentLog;
  readonly counts: DurableCounts;
  /** Records of the topic type are in the log. */
  readonly onAppended: (topicType: string) => void;
  /** A batch waits for its time. */
  readonly onDelayed: (deliverAtMs: number) => void;
}

/** Puts what is published on durable topics on disk. */
export class DurablePublisher {
  readonly #parts: DurablePublisherParts;
  #pending = 0;

  constructor(parts: DurablePublisherParts) {
    this.#parts = parts;
  }

  /** Publications that are on their way to disk. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves when it is on disk. True: it was there before. @throws AgentrtError as the log; `BAD_FRAME` */
  async appendBatch(
    batch: InboundBatch,
    declaration: TopicDeclaration,
    from: string,
  ): Promise<boolean> {
    const { route, count, records, checksum, sequence } = batch;
    const stored = { ...common(route, declaration), count, records, checksum };
    return await this.#append({ ...stored, producer: route.producer, sequence }, from);
  }

  /** As {@link appendBatch}, for an event of its own: its topic and id say whether it was there before. */
  async appendEvent(
    event: EventEnvelope,
    declaration: TopicDeclaration,
    from: string,
  ): Promise<boolean> {
    const { topic, sender, id, payload, headers } = event;
    const at = headers[DELIVER_AT_HEADER];
    const routing = at === undefined ? {} : { [DELIVER_AT_HEADER]: at };
    const { dataType, contentType, data } = payload;
    const route = { topic, sender, headers: routing, dataType, contentType };
    const extras = encodeExtras({ id, headers });
    const records = new Uint8Array(recordLength(data.byteLength, extras.byteLength));
    writeRecord(records, 0, data, extras);
    const stored = { ...common(route, declaration), count: 1, records, checksum: crc32(records) };
    const producer = `event ${topic} ${id}`;
    return await this.#append({ ...stored, producer, sequence: 1 }, from);
  }

  async #append(batch: LogBatch, from: string): Promise<boolean> {
    const { log, counts, incidents } = this.#parts;
    this.#pending += 1;
    try {
      const [appended] = (await log?.append([batch])) ?? [];
      if (appended?.isDuplicate === true) {
        return true;
      }
      counts.appended += batch.count;
      if (batch.deliverAtMs !== undefined && appended?.position === 0) {
        this.#parts.onDelayed(batch.deliverAtMs);
      } else {
        this.#parts.onAppended(batch.topicType);
      }
      return false;
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      counts.refused += batch.count;
      incidents.record(error, from);
      throw error;
    } finally {
      this.#pending -= 1;
    }
  }
}

type Route = Pick<EventEnvelope, "topic" | "sender" | "headers"> & {
  readonly dataType: string;
  readonly contentType: string;
};

function common(
  route: Route,
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
