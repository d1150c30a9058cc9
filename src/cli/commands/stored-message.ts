import { AgentId } from "../../core/agent-id.ts";
import { AgentrtError } from "../../core/errors.ts";
import type { BatchRoute } from "../../core/event-batch.ts";
import { UnknownPayload } from "../../core/message-type.ts";
import { TopicId } from "../../core/topic-id.ts";
import type { DurableAnswer } from "../../wire/durable-admin/codec.ts";
import { eventsOf } from "../../wire/link/batched-event.ts";
import type { Styler } from "../terminal.ts";
import { jsonLineOf, type PayloadView, textOfPayload, viewOf } from "./payload-view.ts";
import { printable } from "./printable.ts";

/** A message of a durable topic as it is stored. */
export interface StoredMessage {
  readonly position: number;
  readonly storedAt: Date;
  readonly topic: TopicId;
  readonly sender: AgentId | undefined;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly view: PayloadView;
}

const PLAIN = 0;

/** @throws AgentrtError `BAD_FRAME`, `INVALID_TOPIC`, `INVALID_AGENT_ID`, `NOT_SUPPORTED` */
export function messagesOf(
  batch: DurableAnswer<"read">["batches"][number],
): readonly StoredMessage[] {
  if (batch.encoding !== PLAIN) {
    throw new AgentrtError(
      "NOT_SUPPORTED",
      `The messages at position ${batch.position} are packed in a way that this agentrt does not know. Take a newer one.`,
    );
  }
  const { position, sequence, count, records, dataType, contentType } = batch;
  const route: BatchRoute = {
    topic: new TopicId(batch.topicType, batch.topicSource),
    sender: batch.senderType === "" ? undefined : new AgentId(batch.senderType, batch.senderKey),
    headers: batch.headers,
    dataType,
    contentType,
    producer: batch.producer,
    receivers: [],
  };
  const events = eventsOf({ kind: "batch", route, sequence, position, count, records });
  return events.map((event, index) => ({
    position: position + index,
    storedAt: new Date(batch.storedAtMs),
    topic: route.topic,
    sender: route.sender,
    id: event.id,
    headers: event.headers,
    view: viewOf(new UnknownPayload(dataType, contentType, event.data)),
  }));
}

/** One JSON object on a line: what `agentrt sub --json` shows, and the position. */
export function jsonOfStored(message: StoredMessage): string {
  const { position, storedAt, topic, sender, id, headers, view } = message;
  const facts = {
    at: storedAt.toISOString(),
    position,
    topic: String(topic),
    sender: sender?.toString() ?? null,
    id,
    headers,
  };
  return `${jsonLineOf(facts, view)}\n`;
}

export function textOfStored(message: StoredMessage, style: Styler): string {
  const { position, storedAt, topic, view } = message;
  const day = storedAt.toLocaleDateString("sv");
  const time = style.faint(`${day} ${storedAt.toTimeString().slice(0, 8)}`);
  const about = `${style.accent(printable(String(topic)))} ${style.faint(printable(view.dataType))}`;
  return `${position} ${time} ${about} ${textOfPayload(view)}\n`;
}
