import type { AgentId } from "../core/agent-id.ts";
import type { ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { LinkedResponse, numberOf } from "../wire/link/linked-calls.ts";
import { errorOfAnswer } from "./answer.ts";
import type { CallName } from "./outgoing.ts";

/** The greatest number of a call; after it they begin anew, without those that are open. */
const MAX_NUMBER = 0xffff_ffff;

/** One open call: `answer` always ends, whatever the peer does. */
export interface OpenCall extends CallName {
  readonly answer: Promise<ResponseEnvelope>;
}

class PendingCall implements OpenCall {
  readonly number: number;
  readonly recipient: AgentId;
  readonly answer: Promise<ResponseEnvelope>;
  /** True when it has left this process, so that it ends with the connection. */
  isSent = false;
  readonly #scope: string;
  readonly #resolve: (response: ResponseEnvelope) => void;
  readonly #reject: (error: AgentrtError) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #forgetSignal: (() => void) | undefined;

  constructor(number: number, scope: string, recipient: AgentId) {
    const { promise, resolve, reject } = Promise.withResolvers<ResponseEnvelope>();
    // A call may end while its request still waits to be sent, before anybody awaits the answer.
    promise.catch(ignore);
    this.number = number;
    this.#scope = scope;
    this.recipient = recipient;
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get id(): string {
    return this.#scope + this.number;
  }

  /** Has it ended by the clock, and by the signal. */
  limit(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    end: (error: AgentrtError) => void,
  ): void {
    const { recipient } = this;
    this.#timer = setTimeout(() => end(deadline(recipient, timeoutMs)), timeoutMs);
    if (signal !== undefined) {
      const onAbort = (): void => end(cancelled(recipient, signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      this.#forgetSignal = () => signal.removeEventListener("abort", onAbort);
    }
  }

  end(outcome: ResponseEnvelope | AgentrtError): void {
    clearTimeout(this.#timer);
    this.#forgetSignal?.();
    if (outcome instanceof AgentrtError) {
      this.#reject(outcome);
      return;
    }
    const error = errorOfAnswer(outcome);
    if (error === undefined) {
      this.#resolve(outcome);
    } else {
      this.#reject(error);
    }
  }
}

/** The calls that this runtime waits for. */
export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();
  /** Before the number in an id, because AutoGen's host mixes up callers that count from 1. */
  readonly #scope = `${crypto.randomUUID()}.`;
  #lastNumber = 0;

  get size(): number {
    return this.#calls.size;
  }

  /**
   * Opens a call with an id of its own. Its answer rejects with the error that the response
   * carries, with `DEADLINE` after `timeoutMs`, or with `CANCELLED` when the signal aborts.
   */
  open(recipient: AgentId, timeoutMs: number, signal: AbortSignal | undefined): OpenCall {
    const number = this.#freeNumber();
    const call = new PendingCall(number, this.#scope, recipient);
    this.#calls.set(number, call);
    call.limit(timeoutMs, signal, (error) => this.#end(number, error));
    if (signal?.aborted === true) {
      this.#end(number, cancelled(recipient, signal.reason));
    }
    return call;
  }

  /** False when no call waits for it: it ended before, or the id is unknown. */
  settle(response: ResponseEnvelope): boolean {
    const isLinked = response instanceof LinkedResponse;
    return this.#end(isLinked ? response.number : this.#numberIn(response.id), response);
  }

  fail({ number }: CallName, error: AgentrtError): boolean {
    return this.#end(number, error);
  }

  /** Calls that have left this process. */
  get sent(): number {
    let count = 0;
    for (const { isSent } of this.#calls.values()) {
      count += isSent ? 1 : 0;
    }
    return count;
  }

  /** @param call a number, or an id */
  markSent(call: number | string): void {
    const sent = this.#calls.get(typeof call === "number" ? call : this.#numberIn(call));
    if (sent !== undefined) {
      sent.isSent = true;
    }
  }

  /** Ends the calls that were sent; the others go on waiting. */
  failSent(errorFor: (recipient: AgentId) => AgentrtError): void {
    for (const { number, isSent, recipient } of [...this.#calls.values()]) {
      if (isSent) {
        this.#end(number, errorFor(recipient));
      }
    }
  }

  failAll(errorFor: (recipient: AgentId) => AgentrtError): void {
    for (const { number, recipient } of [...this.#calls.values()]) {
      this.#end(number, errorFor(recipient));
    }
  }

  /** 0, which is no call's, for an id that this runtime has not made. */
  #numberIn(id: string): number {
    return numberOf(id.startsWith(this.#scope) ? id.slice(this.#scope.length) : id) ?? 0;
  }

  #freeNumber(): number {
    do {
      this.#lastNumber = this.#lastNumber >= MAX_NUMBER ? 1 : this.#lastNumber + 1;
    } while (this.#calls.has(this.#lastNumber));
    return this.#lastNumber;
  }

  #end(number: number, outcome: ResponseEnvelope | AgentrtError): boolean {
    const call = this.#calls.get(number);
    if (call === undefined) {
      return false;
    }
    this.#calls.delete(number);
    call.end(outcome);
    return true;
  }
}

const ignore = (): void => undefined;

function deadline(recipient: AgentId, timeoutMs: number): AgentrtError {
  return new AgentrtError(
    "DEADLINE",
    `Agent ${recipient} did not answer within ${timeoutMs} ms. It may be busy or hung; ask again, or raise timeoutMs.`,
    { data: { agent: recipient.toString(), timeoutMs } },
  );
}

export function cancelled(what: AgentId | string, reason: unknown): AgentrtError {
  return new AgentrtError("CANCELLED", `The caller gave up waiting for ${what}.`, {
    cause: reason,
  });
}
