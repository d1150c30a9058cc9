import type { RequestEnvelope } from "../core/envelope.ts";
import type { Session } from "./session.ts";

/** How long a worker that comes from an earlier host is given for the others to come, too. */
export const RETURN_GRACE_MS = 3_000;

interface ParkedCall {
  readonly request: RequestEnvelope;
  readonly caller: Session;
  readonly untilMs: number;
}

/**
 * Calls to agent types that nobody holds yet, of workers that were connected to the host before it
 * was started anew: those that hold the types are on their way back just as they are.
 */
export class ParkedCalls {
  readonly #now: () => number;
  #calls: ParkedCall[] = [];

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get size(): number {
    return this.#calls.length;
  }

  /** Keeps a call if its caller has just come back. */
  park(request: RequestEnvelope, caller: Session): boolean {
    const untilMs = (caller.returnedAtMs ?? Number.NEGATIVE_INFINITY) + RETURN_GRACE_MS;
    if (this.#now() >= untilMs) {
      return false;
    }
    this.#calls.push({ request, caller, untilMs });
    return true;
  }

  /** Takes out the calls that can go on, those whose time is up among them. To be called often. */
  take(isHeld: (agentType: string) => boolean): readonly ParkedCall[] {
    if (this.#calls.length === 0) {
      return [];
    }
    const nowMs = this.#now();
    const isDue = ({ request, untilMs }: ParkedCall): boolean =>
      nowMs >= untilMs || isHeld(request.target.type);
    const due = this.#calls.filter(isDue);
    this.#calls = this.#calls.filter((call) => !isDue(call));
    return due;
  }

  forget(caller: Session): void {
    this.#calls = this.#calls.filter((call) => call.caller !== caller);
  }

  /** @param id of the caller's own */
  giveUp(id: string, caller: Session): boolean {
    const before = this.#calls.length;
    this.#calls = this.#calls.filter((call) => call.caller !== caller || call.request.id !== id);
    return this.#calls.length < before;
  }
}
