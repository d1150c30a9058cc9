import {
  EMPTY_PAYLOAD,
  ENVELOPE_OVERHEAD_BYTES,
  type Envelope,
  type EventEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { type Priority, priorityOf } from "../core/priority.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";
import { CODE_HEADER, statusNameOf } from "../wire/grpc-status.ts";
import type { Backpressure } from "./backpressure.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { SlowWorkerPolicy } from "./options.ts";
import type { OutboundFrame } from "./outbox.ts";
import { type PendingCall, PendingCalls } from "./pending-calls.ts";
import type { Registry } from "./registry.ts";
import type { Session } from "./session.ts";
import type { TopicStatistics } from "./topic-statistics.ts";
import type { MutableTotals } from "./totals.ts";

export interface RouterParts {
  readonly registry: Registry;
  readonly totals: MutableTotals;
  readonly topics: TopicStatistics;
  readonly deadLetters: DeadLetters;
  readonly rpcTimeoutMs: number;
  readonly maxPendingCalls: number;
  readonly backpressure: Backpressure;
  readonly slowWorkerPolicy: SlowWorkerPolicy;
  /** Cuts off a worker whose outbox overflowed. */
  readonly expelSlow: (session: Session) => void;
}

interface Failure {
  readonly call: PendingCall;
  readonly error: AgentrtError;
}

/** Decides who gets a message, and gives it to their outboxes. */
export class Router {
  readonly #parts: RouterParts;
  readonly #calls: PendingCalls;
  readonly #failures: Failure[] = [];
  #isFailing = false;
  #lastEvent = 0;
  #isDraining = false;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#calls = new PendingCalls(parts.rpcTimeoutMs);
  }

  get pendingCalls(): number {
    return this.#calls.size;
  }

  /** From now on new calls are refused with `HOST_DRAINING`; those in flight go on. */
  drain(): void {
    this.#isDraining = true;
  }

  route(envelope: Envelope, from: Session): void {
    switch (envelope.kind) {
      case "event":
        this.#publish(envelope, from);
        return;
      case "request":
        this.#call(envelope, from);
        return;
      case "response":
        this.#answer(envelope, from);
        return;
      default:
        throw envelope satisfies never;
    }
  }

  /** Ends a call that never got as far as an envelope. */
  refuse(caller: Session, requestId: string, error: AgentrtError): void {
    this.#parts.totals.callsFailed += 1;
    this.#send(caller, errorResponse(requestId, error));
  }

  /** Ends the calls of a worker that left: its callers hear so, and its own calls are forgotten. */
  forget(session: Session): void {
    this.#parts.backpressure.forget(session);
    for (const call of this.#calls.takeAllOf(session)) {
      if (call.target === session && call.caller !== session) {
        const message = `The worker of ${call.agent} left before it answered.`;
        this.#fail(call, new AgentrtError("WORKER_GONE", message));
      }
    }
  }

  /** Ends the calls whose time is up. To be called often. */
  expireCalls(): void {
    for (const call of this.#calls.takeExpired()) {
      this.#parts.totals.callsTimedOut += 1;
      const { rpcTimeoutMs } = this.#parts;
      const message = `${call.agent} gave no answer within ${rpcTimeoutMs} ms.`;
      this.#send(call.caller, errorResponse(call.requestId, new AgentrtError("DEADLINE", message)));
    }
  }

  #publish(event: EventEnvelope, from: Session): void {
    const { registry, totals, topics, deadLetters, backpressure } = this.#parts;
    totals.eventsIn += 1;
    this.#lastEvent += 1;
    const number = this.#lastEvent;
    const receivers: Session[] = [];
    let orphan: string | undefined;
    registry.forEachReceiver(event.topic.type, (holder, subscription) => {
      if (holder === undefined) {
        orphan = subscription.agentType;
      } else if (holder.lastEvent !== number) {
        holder.lastEvent = number;
        receivers.push(holder);
      }
    });
    const bytes = encodeMessage(event);
    topics.record(event.topic.type, bytes.byteLength, receivers.length);
    if (receivers.length === 0) {
      totals.eventsUnmatched += 1;
      if (orphan !== undefined) {
        const detail = `Agent type "${orphan}" is subscribed, but no worker holds it.`;
        deadLetters.add("NO_SUCH_AGENT", detail, event);
      }
      return;
    }
    const frame = frameOf(event, bytes, priorityOf(event.headers));
    for (const receiver of receivers) {
      totals.eventsDelivered += 1;
      this.#offer(receiver, frame);
    }
    backpressure.consider(from, receivers);
  }

  #call(request: RequestEnvelope, caller: Session): void {
    const { registry, totals } = this.#parts;
    const givenUpId = request.headers[CANCEL_HEADER];
    if (givenUpId !== undefined) {
      this.#giveUp(givenUpId, request, caller);
      return;
    }
    totals.callsIn += 1;
    const target = registry.holderOf(request.target.type);
    const error = this.#reasonToRefuse(request, target);
    if (target === undefined || error !== undefined) {
      this.refuse(caller, request.id, error ?? noSuchAgent(request));
      return;
    }
    const call = this.#calls.begin(request, caller, target);
    const frame = frameOfCall({ ...request, id: call.hostId });
    // A call does not push others out of a full outbox: it is refused while there is no room for it.
    if (!target.outbox.hasRoomFor(frame.size)) {
      this.#calls.abandon(call.hostId);
      const message = `The worker that holds agent type "${request.target.type}" has a full outbox.`;
      this.refuse(caller, request.id, new AgentrtError("QUEUE_FULL", message));
      return;
    }
    this.#offer(target, frame);
  }

  /** A caller does not wait any more: its agent hears so, if its worker understands it. */
  #giveUp(requestId: string, request: RequestEnvelope, caller: Session): void {
    const call = this.#calls.giveUp(requestId, caller);
    if (call === undefined) {
      return;
    }
    this.#parts.totals.callsGivenUp += 1;
    const { hostId: id, target } = call;
    if (target.capabilities.has("cancel")) {
      this.#offer(target, frameOfCall({ ...request, id, headers: { [CANCEL_HEADER]: id } }));
    }
  }

  #reasonToRefuse(request: RequestEnvelope, target: Session | undefined): AgentrtError | undefined {
    if (this.#isDraining) {
      return new AgentrtError("HOST_DRAINING", "The host is stopping and takes no new calls.");
    }
    if (target === undefined) {
      return noSuchAgent(request);
    }
    if (this.#calls.size >= this.#parts.maxPendingCalls) {
      const message = `${this.#calls.size} calls wait for an answer, which is the host's limit.`;
      return new AgentrtError("TOO_MANY", message);
    }
    return undefined;
  }

  #answer(response: ResponseEnvelope, from: Session): void {
    const call = this.#calls.take(response.id, from);
    if (call === undefined) {
      this.#parts.totals.strayResponses += 1;
      return;
    }
    this.#parts.totals.callsAnswered += 1;
    this.#send(call.caller, { ...response, id: call.requestId });
  }

  /**
   * Tells a caller that its call failed. The answer may push a call out of a full outbox, which fails
   * in turn: a list and a loop, because a chain of them as long as an outbox would outgrow the stack.
   */
  #fail(call: PendingCall, error: AgentrtError): void {
    this.#failures.push({ call, error });
    if (this.#isFailing) {
      return;
    }
    this.#isFailing = true;
    try {
      for (let next = this.#failures.pop(); next !== undefined; next = this.#failures.pop()) {
        this.refuse(next.call.caller, next.call.requestId, next.error);
      }
    } finally {
      this.#isFailing = false;
    }
  }

  #send(session: Session, envelope: ResponseEnvelope): void {
    this.#offer(session, frameOfCall(envelope));
  }

  #offer(session: Session, frame: OutboundFrame): void {
    const { totals } = this.#parts;
    if (session.state === "ended") {
      this.undelivered("WORKER_GONE", "The worker left.", frame);
      return;
    }
    session.messagesOut += 1;
    session.bytesOut += frame.bytes.byteLength;
    totals.bytesOut += frame.bytes.byteLength;
    const shed = session.outbox.offer(frame);
    if (shed.length > 0) {
      this.#shed(session, shed);
    }
  }

  #shed(session: Session, frames: readonly OutboundFrame[]): void {
    session.shed += frames.length;
    this.#parts.totals.shed += frames.length;
    for (const frame of frames) {
      const detail = `Worker ${session.clientId} does not read fast enough; its outbox is full.`;
      this.undelivered("QUEUE_FULL", detail, frame);
    }
    const isAnswerLost = frames.some((frame) => frame.envelope.kind === "response");
    if (this.#parts.slowWorkerPolicy === "disconnect" || isAnswerLost) {
      // A caller that lost an answer must not wait for ever: it sees its stream end instead.
      this.#parts.expelSlow(session);
    }
  }

  /** Accounts for a frame that did not reach its worker; a call among them ends for its caller. */
  undelivered(reason: "QUEUE_FULL" | "WORKER_GONE", detail: string, frame: OutboundFrame): void {
    const { envelope } = frame;
    if (envelope.kind === "control") {
      return;
    }
    if (envelope.kind === "request") {
      const call = this.#calls.abandon(envelope.id);
      if (call !== undefined) {
        this.#fail(call, new AgentrtError(reason, detail));
      }
    }
    this.#parts.deadLetters.add(reason, detail, envelope);
  }
}

function frameOfCall(envelope: RequestEnvelope | ResponseEnvelope): OutboundFrame {
  return frameOf(envelope, encodeMessage(envelope), priorityOf(envelope.headers));
}

function frameOf(envelope: Envelope, bytes: Uint8Array, priority: Priority): OutboundFrame {
  return { envelope, bytes, priority, size: ENVELOPE_OVERHEAD_BYTES + bytes.byteLength };
}

function noSuchAgent(request: RequestEnvelope): AgentrtError {
  return new AgentrtError(
    "NO_SUCH_AGENT",
    `No connected worker holds agent type "${request.target.type}". Start one that registers it.`,
    { data: { agentType: request.target.type } },
  );
}

/** The text begins with gRPC's name for the failure, for callers that know nothing of our codes. */
function errorResponse(requestId: string, error: AgentrtError): ResponseEnvelope {
  return {
    kind: "response",
    id: requestId,
    error: `${statusNameOf(error.code)}: ${error.message}`,
    headers: { [CODE_HEADER]: error.code },
    payload: EMPTY_PAYLOAD,
  };
}
