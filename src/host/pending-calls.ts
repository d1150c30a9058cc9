import { shorten } from "../core/agent-id.ts";
import type { RequestEnvelope } from "../core/envelope.ts";
import { type Priority, priorityOf } from "../core/priority.ts";
import { callIdOf, numberOf } from "../wire/link/linked-calls.ts";
import type { Session } from "./session.ts";

/** A caller's own id of a call: a number on agentrt's own dialect, any text on AutoGen's. */
export type CallId = string | number;

/** The greatest id; after it they begin anew, without those in flight. */
const MAX_ID = 0xffff_ffff;

/** A call that waits for its answer. Keeps nothing of the request's data, which may be large and wait long. */
export interface PendingCall {
  /** The id on the host's hop to the target, unique in this host. */
  readonly hostId: number;
  readonly requestId: CallId;
  /** `type/key` of the agent that is called, shortened, for texts. */
  readonly agent: string;
  readonly priority: Priority;
  readonly caller: Session;
  readonly target: Session;
  readonly deadlineMs: number;
}

/**
 * The calls in flight. Each hop has ids of its own, because AutoGen's workers all count from 1:
 * the host gives each call a number, and the answer finds its way back by it.
 */
export class PendingCalls {
  readonly #timeoutMs: number;
  readonly #now: () => number;
  /** In the order of their deadlines, since all have the same time-out. */
  readonly #calls = new Map<number, PendingCall>();
  /** The calls of each caller by its own ids of them; of two with one id the later. */
  readonly #byRequestId = new Map<Session, Map<CallId, PendingCall>>();
  readonly #bySession = new Map<Session, Set<PendingCall>>();
  #lastId = 0;

  constructor(timeoutMs: number, now: () => number = Date.now) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  get size(): number {
    return this.#calls.size;
  }

  begin(request: RequestEnvelope, caller: Session, target: Session): PendingCall {
    const requestId = callIdOf(request);
    const call: PendingCall = {
      hostId: this.#freeId(),
      requestId,
      agent: shorten(String(request.target)),
      priority: priorityOf(request.headers),
      caller,
      target,
      deadlineMs: this.#now() + this.#timeoutMs,
    };
    this.#calls.set(call.hostId, call);
    const requests = this.#byRequestId.get(caller) ?? new Map<CallId, PendingCall>();
    this.#byRequestId.set(caller, requests.set(requestId, call));
    this.#link(caller, call);
    this.#link(target, call);
    return call;
  }

  /** Takes out the call that `target` answers; undefined when there is none, or it was asked of another worker. */
  take(hostId: CallId, target: Session): PendingCall | undefined {
    const call = this.#calls.get(numberIn(hostId));
    if (call === undefined || call.target !== target) {
      return undefined;
    }
    this.#remove(call);
    return call;
  }

  /** Takes out the call with this id, whoever it was asked of. */
  abandon(hostId: CallId): PendingCall | undefined {
    const call = this.#calls.get(numberIn(hostId));
    if (call !== undefined) {
      this.#remove(call);
    }
    return call;
  }

  /** Takes out a call that its caller has given up. */
  giveUp(requestId: string, caller: Session): PendingCall | undefined {
    const requests = this.#byRequestId.get(caller);
    const call = requests?.get(requestId) ?? requests?.get(numberIn(requestId));
    if (call !== undefined) {
      this.#remove(call);
    }
    return call;
  }

  /** Takes out all calls that a worker has made or was to answer. */
  takeAllOf(session: Session): readonly PendingCall[] {
    const calls = [...(this.#bySession.get(session) ?? [])];
    for (const call of calls) {
      this.#remove(call);
    }
    return calls;
  }

  /** Takes out the calls whose time is up. */
  takeExpired(): readonly PendingCall[] {
    const nowMs = this.#now();
    const expired: PendingCall[] = [];
    for (const call of this.#calls.values()) {
      if (call.deadlineMs > nowMs) {
        break;
      }
      expired.push(call);
    }
    for (const call of expired) {
      this.#remove(call);
    }
    return expired;
  }

  #freeId(): number {
    do {
      this.#lastId = this.#lastId >= MAX_ID ? 1 : this.#lastId + 1;
    } while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }

  #link(session: Session, call: PendingCall): void {
    const calls = this.#bySession.get(session);
    if (calls === undefined) {
      this.#bySession.set(session, new Set([call]));
    } else {
      calls.add(call);
    }
  }

  #remove(call: PendingCall): void {
    this.#calls.delete(call.hostId);
    const requests = this.#byRequestId.get(call.caller);
    if (requests?.get(call.requestId) === call) {
      requests.delete(call.requestId);
    }
    if (requests?.size === 0) {
      this.#byRequestId.delete(call.caller);
    }
    for (const session of [call.caller, call.target]) {
      const calls = this.#bySession.get(session);
      calls?.delete(call);
      if (calls?.size === 0) {
        this.#bySession.delete(session);
      }
    }
  }
}

/** 0, which is no call's, for a text that is no number. */
function numberIn(id: CallId): number {
  return typeof id === "number" ? id : (numberOf(id) ?? 0);
}
