import type { AgentId } from "../core/agent-id.ts";
import type { ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { errorOfAnswer } from "./answer.ts";

interface PendingCall {
  readonly recipient: AgentId;
  /** True when it has left this process, so that it ends with the connection. */
  isSent: boolean;
  readonly end: (outcome: ResponseEnvelope | AgentrtError) => void;
}

/** One open call: `answer` always ends, whatever the peer does. */
export interface OpenCall {
  readonly id: string;
  readonly answer: Promise<ResponseEnvelope>;
}

/** The calls that this runtime waits for. */
export class PendingCalls {
  readonly #calls = new Map<string, PendingCall>();

  get size(): number {
    return this.#calls.size;
  }

  /**
   * Opens a call with an id of its own. Its answer rejects with the error that the response
   * carries, with `DEADLINE` after `timeoutMs`, or with `CANCELLED` when the signal aborts.
   */
  open(recipient: AgentId, timeoutMs: number, signal: AbortSignal | undefined): OpenCall {
    // A UUID, because AutoGen's host mixes up callers that count from 1.
    const id = crypto.randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<ResponseEnvelope>();
    // A call may end while its request still waits to be sent, before anybody awaits the answer.
    promise.catch(() => undefined);
    const timer = setTimeout(() => {
      this.#end(id, deadline(recipient, timeoutMs));
    }, timeoutMs);
    const onAbort = (): void => {
      this.#end(id, cancelled(recipient, signal?.reason));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#calls.set(id, {
      recipient,
      isSent: false,
      end: (outcome) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        const error = outcome instanceof AgentrtError ? outcome : errorOfAnswer(outcome);
        if (error !== undefined) {
          reject(error);
        } else {
          resolve(outcome as ResponseEnvelope);
        }
      },
    });
    if (signal?.aborted === true) {
      onAbort();
    }
    return { id, answer: promise };
  }

  /** False when no call waits for it: it ended before, or the id is unknown. */
  settle(response: ResponseEnvelope): boolean {
    return this.#end(response.id, response);
  }

  fail(id: string, error: AgentrtError): boolean {
    return this.#end(id, error);
  }

  /** Calls that have left this process. */
  get sent(): number {
    let count = 0;
    for (const { isSent } of this.#calls.values()) {
      count += isSent ? 1 : 0;
    }
    return count;
  }

  markSent(id: string): void {
    const call = this.#calls.get(id);
    if (call !== undefined) {
      call.isSent = true;
    }
  }

  /** Ends the calls that were sent; the others go on waiting. */
  failSent(errorFor: (recipient: AgentId) => AgentrtError): void {
    for (const [id, call] of [...this.#calls]) {
      if (call.isSent) {
        this.#end(id, errorFor(call.recipient));
      }
    }
  }

  failAll(errorFor: (recipient: AgentId) => AgentrtError): void {
    for (const [id, call] of [...this.#calls]) {
      this.#end(id, errorFor(call.recipient));
    }
  }

  #end(id: string, outcome: ResponseEnvelope | AgentrtError): boolean {
    const call = this.#calls.get(id);
    if (call === undefined) {
      return false;
    }
    this.#calls.delete(id);
    call.end(outcome);
    return true;
  }
}

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
