// biome-ignore-all lint/style/noExcessiveLinesPerFile: one line over
import type { Envelope, RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { HAND_OVER } from "../core/hand-over.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";
import { callIdOf } from "../wire/link/linked-calls.ts";
import {
  cancelFrame,
  errorFree,
  errorResponse,
  frameOfAnswer,
  frameOfCall,
  frameOfRequest,
  noSuchAgent,
} from "./call-frames.ts";
import { Delivery, type UndeliveredReason } from "./delivery.ts";
import { EventRouter, type EventRouterParts } from "./event-router.ts";
import type { SlowWorkerPolicy } from "./options.ts";
import type { OutboundFrame } from "./outbox.ts";
import { ParkedCalls } from "./parked-calls.ts";
import { type CallId, type PendingCall, PendingCalls } from "./pending-calls.ts";
import { Placements } from "./placements.ts";
import { Presence } from "./presence.ts";
import type { Session } from "./session.ts";
import type { TypeHolders } from "./type-holders.ts";

export interface RouterParts extends Omit<EventRouterParts, "delivery" | "placements"> {
  readonly rpcTimeoutMs: number;
  readonly maxPendingCalls: number;
  readonly slowWorkerPolicy: SlowWorkerPolicy;
  /** Cuts off a worker whose outbox overflowed. */
  readonly expelSlow: (session: Session) => void;
}

/** Decides who gets a message, and gives it to their outboxes. */
export class Router {
  /** Where events go. */
  readonly events: EventRouter;
  readonly presence = new Presence((event) => this.events.announce(event));
  readonly #parts: RouterParts;
  readonly delivery: Delivery;
  /** Where the instances of shared agent types live. */
  readonly placements: Placements;
  readonly #calls: PendingCalls;
  readonly #parked = new ParkedCalls();
  readonly #failures: { readonly call: PendingCall; readonly error: AgentrtError }[] = [];
  #isFailing = false;
  #isDraining = false;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#calls = new PendingCalls(parts.rpcTimeoutMs);
    this.delivery = new Delivery({
      ...parts,
      onLostCall: (hostId, reason, detail) => this.#lostCall(hostId, reason, detail),
    });
    this.placements = new Placements(this.delivery, parts.totals);
    this.events = new EventRouter({
      ...parts,
      placements: this.placements,
      delivery: this.delivery,
    });
  }

  get pendingCalls(): number {
    return this.#calls.size + this.#parked.size;
  }

  /** From now on new calls are refused with `HOST_DRAINING`; those in flight go on. */
  drain(): void {
    this.#isDraining = true;
  }

  route(envelope: Envelope, from: Session): void {
    switch (envelope.kind) {
      case "event":
        this.events.publish(envelope, from);
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
  refuse(caller: Session, requestId: CallId, error: AgentrtError): void {
    this.#parts.totals.callsFailed += 1;
    this.#send(caller, errorResponse(requestId, error));
  }

  /** Ends a call whose answer cannot be passed on. */
  refuseAnswer(from: Session, callId: string, error: AgentrtError): void {
    if (this.placements.answered(errorResponse(callId, error), from)) {
      return;
    }
    const call = this.#calls.take(callId, from);
    if (call === undefined) {
      this.#parts.totals.strayResponses += 1;
    } else {
      this.refuse(call.caller, call.requestId, error);
    }
  }

  /** Ends the calls of a worker that left: its callers hear so, and those that it has asked need not go on. */
  forget(session: Session): void {
    if (session.state !== "away") {
      this.placements.forget(session);
    }
    this.#parts.backpressure.forget(session);
    this.#parked.forget(session);
    this.endCallsOf(session);
  }

  /** Ends the calls that a worker has asked or was asked on a stream that is over. */
  endCallsOf(session: Session): void {
    for (const call of this.#calls.takeAllOf(session)) {
      if (call.caller !== session) {
        const message = `The worker of ${call.agent} left before it answered.`;
        this.#fail(call, new AgentrtError("WORKER_GONE", message));
      } else if (call.target !== session) {
        this.#cancel(call);
      }
    }
  }

  /** Ends the calls whose time is up. To be called often. */
  expireCalls(): void {
    const { registry } = this.#parts;
    this.placements.expire();
    const isHeld = (type: string): boolean => registry.holdersOf(type) !== undefined;
    for (const { request, caller } of this.#parked.take(isHeld)) {
      this.#serve(request, caller);
    }
    for (const call of this.#calls.takeExpired()) {
      this.#parts.totals.callsTimedOut += 1;
      const message = `${call.agent} gave no answer within ${this.#parts.rpcTimeoutMs} ms.`;
      this.#send(call.caller, errorResponse(call.requestId, new AgentrtError("DEADLINE", message)));
      this.#cancel(call);
    }
  }

  #call(request: RequestEnvelope, caller: Session): void {
    const { registry, totals } = this.#parts;
    const givenUpId = request.headers[CANCEL_HEADER];
    if (givenUpId !== undefined) {
      this.#giveUp(givenUpId, caller);
      return;
    }
    if (request.method === HAND_OVER.leave) {
      caller.isLeaving = true;
      registry.refresh(caller);
      this.#leave(request, caller, undefined);
      return;
    }
    if (request.method === HAND_OVER.leaveType) {
      registry.holdersOf(request.target.key)?.beginLeave(caller);
      this.#leave(request, caller, request.target.key);
      return;
    }
    totals.callsIn += 1;
    const isHeld = registry.holdersOf(request.target.type) !== undefined;
    if (isHeld || !this.#parked.park(request, caller)) {
      this.#serve(request, caller);
    }
  }

  #serve(request: RequestEnvelope, caller: Session): void {
    const { registry } = this.#parts;
    const holders = registry.holdersOf(request.target.type);
    const error = this.#reasonToRefuse(holders, caller);
    if (holders === undefined || error !== undefined) {
      this.refuse(caller, request.id, error ?? noSuchAgent(request));
      return;
    }
    const { key } = request.target;
    const target =
      holders.policy === "shared"
        ? this.placements.ownerFor(holders, key, (moved) => this.#ask(moved, request, caller))
        : holders.calleeFor(key);
    if (target !== undefined) {
      this.#ask(target, request, caller);
    }
  }

  /** A worker takes its leave, from one agent type or from all: what it shares moves to the others first. */
  #leave(request: RequestEnvelope, session: Session, agentType: string | undefined): void {
    const { registry } = this.#parts;
    const done = (): void => {
      if (agentType !== undefined && registry.unregisterAgentType(session, agentType)) {
        this.presence.typeLeft(session, agentType);
      }
      this.#send(session, errorFree(request.id));
    };
    this.placements.leave({ session, agentType, done }, (type) => registry.holdersOf(type));
  }

  #ask(target: Session | undefined, request: RequestEnvelope, caller: Session): void {
    if (caller.state === "ended") {
      return;
    }
    if (target === undefined) {
      this.refuse(caller, request.id, noSuchAgent(request));
      return;
    }
    const call = this.#calls.begin(request, caller, target);
    const frame = frameOfRequest(request, call.hostId, target);
    // A call does not push others out of a full outbox: it is refused while there is no room for it.
    if (!target.outbox.hasRoomFor(frame.size)) {
      this.#calls.abandon(call.hostId);
      const message = `The worker that holds agent type "${request.target.type}" has a full outbox.`;
      this.refuse(caller, request.id, new AgentrtError("QUEUE_FULL", message));
    } else {
      this.delivery.offer(target, frame);
    }
  }

  #giveUp(requestId: string, caller: Session): void {
    const call = this.#calls.giveUp(requestId, caller);
    if (call !== undefined) {
      this.#cancel(call);
    }
    if (call !== undefined || this.#parked.giveUp(requestId, caller)) {
      this.#parts.totals.callsGivenUp += 1;
    }
  }

  /** Nobody waits for the call any more: its agent hears so, if its worker understands it. */
  #cancel(call: PendingCall): void {
    const { target } = call;
    const frame = cancelFrame(call);
    // Where there is no room nothing is pushed out for it; the call itself may still be in the queue.
    if (target.capabilities.has("cancel") && target.outbox.hasRoomFor(frame.size)) {
      this.delivery.offer(target, frame);
    }
  }

  #reasonToRefuse(holders: TypeHolders | undefined, caller: Session): AgentrtError | undefined {
    // A worker that is told to go away sends no more, and what it had sent before is served.
    if (this.#isDraining && caller.dialect === "autogen") {
      return new AgentrtError("HOST_DRAINING", "The host is stopping and takes no new calls.");
    }
    if (holders !== undefined && this.#calls.size >= this.#parts.maxPendingCalls) {
      const message = `${this.#calls.size} calls wait for an answer, which is the host's limit (max-pending-calls).`;
      this.#parts.totals.limitsHit += 1;
      return new AgentrtError("TOO_MANY", message);
    }
    return undefined;
  }

  #answer(response: ResponseEnvelope, from: Session): void {
    if (this.placements.answered(response, from)) {
      return;
    }
    const call = this.#calls.take(callIdOf(response), from);
    if (call === undefined) {
      this.#parts.totals.strayResponses += 1;
      return;
    }
    this.#parts.totals.callsAnswered += 1;
    this.delivery.offer(call.caller, frameOfAnswer(response, call));
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
    this.delivery.offer(session, frameOfCall(envelope));
  }

  /** Accounts for a frame that did not reach its worker; a call among them ends for its caller. */
  undelivered(reason: UndeliveredReason, detail: string, frame: OutboundFrame): void {
    this.delivery.undelivered(reason, detail, frame);
  }

  #lostCall(hostId: string, reason: UndeliveredReason, detail: string): void {
    if (this.placements.lost(hostId)) {
      return;
    }
    const call = this.#calls.abandon(hostId);
    if (call !== undefined) {
      this.#fail(call, new AgentrtError(reason, detail));
    }
  }
}
