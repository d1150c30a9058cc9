import type { EventEnvelope } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { DELIVER_AT_HEADER } from "../../core/routing-headers.ts";
import type { LogBatch, MessageLog } from "../../store/log/message-log.ts";
import type { TopicDeclaration } from "../../store/log/topic-declaration.ts";
import { encodeExtras } from "../../wire/link/records.ts";
import type { IncidentLog } from "../incident-log.ts";
import type { InboundBatch } from "../link/inbound-batch.ts";
import type { DurableCounts } from "./durable-counts.ts";
import { commonOf, oneRecord } from "./stored-form.ts";

/** It is on disk now, it was before, or it waits there for its time. */
export type Publishing = "stored" | "known" | "waiting";

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

  /** Resolves when it is on disk. @throws AgentrtError as the log; `BAD_FRAME` */
  async appendBatch(
    batch: InboundBatch,
    declaration: TopicDeclaration,
    from: string,
  ): Promise<Publishing> {
    const { route, count, records, checksum, sequence } = batch;
    const stored = { ...commonOf(route, declaration), count, records, checksum };
    return await this.#append({ ...stored, producer: route.producer, sequence }, from);
  }

  /** As {@link appendBatch}, for an event of its own: its topic and id say whether it was there before. */
  async appendEvent(
    event: EventEnvelope,
    declaration: TopicDeclaration,
    from: string,
  ): Promise<Publishing> {
    const { topic, sender, id, payload, headers } = event;
    const at = headers[DELIVER_AT_HEADER];
    const routing = at === undefined ? {} : { [DELIVER_AT_HEADER]: at };
    const { dataType, contentType, data } = payload;
    const route = { topic, sender, headers: routing, dataType, contentType };
    const extras = encodeExtras({ id, headers });
    const stored = { ...commonOf(route, declaration), ...oneRecord(data, extras) };
    const producer = `event ${topic} ${id}`;
    return await this.#append({ ...stored, producer, sequence: 1 }, from);
  }

  async #append(batch: LogBatch, from: string): Promise<Publishing> {
    const { log, counts, incidents } = this.#parts;
    this.#pending += 1;
    try {
      const [appended] = (await log?.append([batch])) ?? [];
      if (appended?.isDuplicate === true) {
        return "known";
      }
      counts.appended += batch.count;
      if (batch.deliverAtMs !== undefined && appended?.position === 0) {
        this.#parts.onDelayed(batch.deliverAtMs);
        return "waiting";
      }
      this.#parts.onAppended(batch.topicType);
      return "stored";
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
