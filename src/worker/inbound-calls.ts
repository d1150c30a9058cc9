import type { RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { LinkedRequest, numberOf } from "../wire/link/linked-calls.ts";
import { LazySignal } from "./lazy-signal.ts";

/** The calls that agents of this process are answering, so that a caller's giving up reaches them. */
export class InboundCalls<L> {
  readonly #byLink = new Map<L, Map<string | number, LazySignal>>();

  /**
   * Begins a call that came in on a link. `respond` sends the answer, unless the caller has given up;
   * the signal then is aborted.
   */
  begin(
    request: RequestEnvelope,
    link: L,
    respond: (response: ResponseEnvelope) => void,
  ): { readonly signal: LazySignal; readonly respond: (response: ResponseEnvelope) => void } {
    let calls = this.#byLink.get(link);
    if (calls === undefined) {
      calls = new Map();
      this.#byLink.set(link, calls);
    }
    const open = calls;
    const id = request instanceof LinkedRequest ? request.number : request.id;
    const signal = new LazySignal();
    open.set(id, signal);
    return {
      signal,
      respond: (response) => {
        if (open.get(id) === signal) {
          open.delete(id);
        }
        if (!signal.isGivenUp) {
          respond(response);
        }
      },
    };
  }

  /** False when the call has ended already, or there was none. */
  cancel(id: string, link: L): boolean {
    const calls = this.#byLink.get(link);
    const signal = calls?.get(id) ?? calls?.get(numberOf(id) ?? 0);
    signal?.abort(new AgentrtError("CANCELLED", "The caller gave up waiting."));
    return signal !== undefined;
  }

  /**
   * Forgets the calls of a link that is over. Their handlers go on: a lost link is not the caller's
   * wish, and what they do may matter to others.
   */
  forget(link: L): void {
    this.#byLink.delete(link);
  }
}
