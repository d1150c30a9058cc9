import type { AgentTask, MessageContext } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import {
  type EventEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  sizeOf,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { DropReason } from "../core/full-queue.ts";
import type { QueueLimits } from "../core/prioritized-queue.ts";
import { priorityOf } from "../core/priority.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { AgentSlot } from "./agent-slot.ts";
import type { DurableRecord } from "./durable-intake.ts";
import { abortSignalOf, type SignalLike } from "./lazy-signal.ts";
import type { MailboxItem } from "./mailbox.ts";

interface DeliveryCommon extends MailboxItem {
  readonly slot: AgentSlot;
  readonly signal: SignalLike;
}

/** One message for one instance. `respond` is there when somebody has to hear how it went. */
export interface MessageDelivery extends DeliveryCommon {
  readonly kind: "message";
  readonly envelope: EventEnvelope | RequestEnvelope;
  readonly respond: ((response: ResponseEnvelope) => void) | undefined;
  /** Set on a record of a durable topic. */
  readonly record: DurableRecord | undefined;
}

/** Work of the instance's own, such as a timer's. */
export interface TaskDelivery extends DeliveryCommon {
  readonly kind: "task";
  readonly task: AgentTask;
}

export type Delivery = MessageDelivery | TaskDelivery;

export function messageDelivery(
  slot: AgentSlot,
  envelope: EventEnvelope | RequestEnvelope,
  signal: SignalLike,
  respond: MessageDelivery["respond"],
  record: DurableRecord | undefined,
): MessageDelivery {
  return {
    kind: "message",
    slot,
    envelope,
    signal,
    respond,
    bytes: sizeOf(envelope),
    priority: priorityOf(envelope.headers),
    // A durable record that finds no room comes again.
    canPushOut: envelope.kind === "event" && record === undefined,
    record,
  };
}

/** What a log line says of a delivery. */
export function describe(delivery: Delivery): Readonly<Record<string, string>> {
  return delivery.kind === "task"
    ? { timer: delivery.task.name }
    : describeEnvelope(delivery.envelope);
}

/** What a handler is told of the message. */
export function contextOf(
  envelope: EventEnvelope | RequestEnvelope,
  signal: SignalLike,
): MessageContext {
  return new Context(envelope, signal);
}

/** What few handlers ask for is made when they do. */
class Context implements MessageContext {
  readonly sender: AgentId | undefined;
  readonly topicId: TopicId | undefined;
  readonly isRpc: boolean;
  readonly #signal: SignalLike;
  readonly #envelope: EventEnvelope | RequestEnvelope;

  constructor(envelope: EventEnvelope | RequestEnvelope, signal: SignalLike) {
    this.sender = envelope.sender;
    this.topicId = envelope.kind === "event" ? envelope.topic : undefined;
    this.isRpc = envelope.kind === "request";
    this.#signal = signal;
    this.#envelope = envelope;
  }

  get signal(): AbortSignal {
    return abortSignalOf(this.#signal);
  }

  get messageId(): string {
    return this.#envelope.id;
  }

  get headers(): MessageContext["headers"] {
    return this.#envelope.headers;
  }
}

/** What a log line says of the message. */
export function describeEnvelope(
  envelope: EventEnvelope | RequestEnvelope,
): Readonly<Record<string, string>> {
  return {
    ...(envelope.kind === "event"
      ? { topic: envelope.topic.toString() }
      : { target: envelope.target.toString() }),
    messageId: envelope.id,
    messageType: envelope.payload.dataType,
  };
}

export function deadLetterOf(
  receiver: AgentId,
  envelope: EventEnvelope | RequestEnvelope,
  error: AgentrtError,
): DeadLetter {
  return {
    at: new Date().toISOString(),
    reason: error.code,
    detail: `${receiver}: ${error.message}`,
    messageId: envelope.id,
    kind: envelope.kind,
    destination: (envelope.kind === "event" ? envelope.topic : envelope.target).toString(),
    sender: envelope.sender?.toString() ?? "",
    dataType: envelope.payload.dataType,
    bytes: envelope.payload.data.byteLength,
  };
}

export function mailboxFull(id: AgentId, { maxMessages, maxBytes }: QueueLimits): AgentrtError {
  return new AgentrtError(
    "QUEUE_FULL",
    `The mailbox of agent ${id} is full (limits: ${maxMessages} messages, ${maxBytes} bytes). Send slower, or raise its limits.`,
  );
}

export function madeWay(id: AgentId, reason: DropReason): AgentrtError {
  return reason === "superseded"
    ? new AgentrtError(
        "SUPERSEDED",
        `Agent ${id} was busy, and a newer message of the same key has taken this one's place, as its topic is declared keep-latest at the host. Declare it otherwise (full-queue) when each is needed.`,
      )
    : new AgentrtError(
        "DROPPED_OLDEST",
        `The mailbox of agent ${id} is full, and messages of this topic make way for others, as it is declared at the host (full-queue). Send slower, or raise the mailbox's limits.`,
      );
}

export function stopping(id: AgentId): AgentrtError {
  return new AgentrtError(
    "WORKER_GONE",
    `The runtime of agent ${id} is stopping. Send again when it is back.`,
  );
}

export function givenUp(id: AgentId): AgentrtError {
  return new AgentrtError("CANCELLED", `The message was given up before agent ${id} saw it.`);
}

export function timedOut(id: AgentId, handlerTimeoutMs: number): AgentrtError {
  return new AgentrtError(
    "DEADLINE",
    `Agent ${id} did not finish within its handlerTimeoutMs, ${handlerTimeoutMs} ms.`,
    { data: { agent: id.toString(), handlerTimeoutMs } },
  );
}
