import { ENVELOPE_OVERHEAD_BYTES, type Envelope } from "../core/envelope.ts";
import type { Priority } from "../core/priority.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { InboundBatch } from "./link/inbound-batch.ts";
import type { SlowWorkerPolicy } from "./options.ts";
import { messagesIn, type OutboundFrame, type Shed } from "./outbox.ts";
import type { Session } from "./session.ts";
import type { TopicStatistics } from "./topic-statistics.ts";
import type { MutableTotals } from "./totals.ts";

export type UndeliveredReason =
  | "BAD_FRAME"
  | "QUEUE_FULL"
  | "WORKER_GONE"
  | "DROPPED_OLDEST"
  | "SUPERSEDED";

const SHED: Readonly<Record<Shed["reason"], readonly [UndeliveredReason, string]>> = {
  full: ["QUEUE_FULL", "its outbox is full"],
  oldest: ["DROPPED_OLDEST", "its outbox is full, and messages of this topic make way for others"],
  superseded: ["SUPERSEDED", "a newer message of the same key has taken this one's place"],
};

export interface DeliveryParts {
  readonly totals: MutableTotals;
  readonly deadLetters: DeadLetters;
  readonly topics: TopicStatistics;
  readonly slowWorkerPolicy: SlowWorkerPolicy;
  /** Cuts off a worker whose outbox overflowed. */
  readonly expelSlow: (session: Session) => void;
  /** Called for a call that did not reach its worker, by the host's id of it. */
  readonly onLostCall: (hostId: string, reason: UndeliveredReason, detail: string) => void;
}

/** Gives frames to outboxes, and accounts for those that do not get out. */
export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  offer(session: Session, frame: OutboundFrame): void {
    const { totals } = this.#parts;
    if (session.state === "ended") {
      this.undelivered("WORKER_GONE", "The worker left.", frame);
      return;
    }
    session.messagesOut += messagesIn(frame);
    session.bytesOut += frame.bytes.byteLength;
    totals.bytesOut += frame.bytes.byteLength;
    const shed = session.outbox.offer(frame);
    if (shed.length > 0) {
      this.shed(session, shed);
    }
  }

  /** Accounts for what a worker's queue let go. */
  shed(session: Session, shed: readonly Shed[]): void {
    let isOverflowing = false;
    for (const { frame, messages, reason } of shed) {
      session.shed += messages;
      this.#parts.totals.shed += messages;
      const { envelope } = frame;
      if (envelope.kind === "event" || envelope.kind === "batch") {
        this.#parts.topics.recordDropped(envelope.topic.type, messages);
      }
      const [code, what] = SHED[reason];
      const detail = `Worker ${session.clientId} does not read fast enough; ${what}.`;
      this.undelivered(code, detail, frame, messages);
      isOverflowing ||= reason === "full";
    }
    const isAnswerLost = shed.some(({ frame }) => frame.envelope.kind === "response");
    if (isAnswerLost || (isOverflowing && this.#parts.slowWorkerPolicy === "disconnect")) {
      // A caller that lost an answer must not wait for ever: it sees its stream end instead.
      this.#parts.expelSlow(session);
    }
  }

  /** Accounts for a frame, or a part of it, that did not reach its worker; a call among them ends for its caller. */
  undelivered(
    reason: UndeliveredReason,
    detail: string,
    frame: OutboundFrame,
    messages = messagesIn(frame),
  ): void {
    const { envelope } = frame;
    if (envelope.kind === "control") {
      return;
    }
    if (envelope.kind === "durable") {
      // Of a worker that is gone, its cursor knows by itself.
      if (reason === "QUEUE_FULL") {
        envelope.handBack();
      }
      return;
    }
    if (envelope.kind === "batch") {
      this.#parts.deadLetters.addBatch(reason, detail, envelope, messages);
      return;
    }
    if (envelope.kind === "request") {
      if (envelope.headers[CANCEL_HEADER] !== undefined) {
        return;
      }
      this.#parts.onLostCall(envelope.id, reason, detail);
    }
    this.#parts.deadLetters.add(reason, detail, envelope);
  }
}

export function frameOf(envelope: Envelope, bytes: Uint8Array, priority: Priority): OutboundFrame {
  return { envelope, bytes, priority, size: ENVELOPE_OVERHEAD_BYTES + bytes.byteLength };
}

/** @param agentTypes those of the worker that the batch is for; undefined is all that are subscribed */
export function frameOfBatch(
  batch: InboundBatch,
  priority: Priority,
  agentTypes?: readonly string[],
): OutboundFrame {
  const { out, bytes } = agentTypes === undefined ? batch.whole : batch.bytesFor(agentTypes);
  // A worker that does not read its encoding gets it inflated, which is kept as long as it waits.
  const size = ENVELOPE_OVERHEAD_BYTES + bytes.byteLength + batch.savedBytes;
  return { envelope: batch, out, bytes, priority, size };
}
