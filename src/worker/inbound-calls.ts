import type { RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";

/** The calls that agents of this process are answering, so that a caller's giving up reaches them. */
export class InboundCalls<L> {
  readonly #byLink = new Map<L, Map<string, AbortController>>();

  /**
   * Begins a call that came in on a link. `respond` sends the answer, unless the caller has given up;
   * the signal then is aborted.
   */
  begin(
    { id }: RequestEnvelope,
    link: L,
    respond: (response: ResponseEnvelope) => void,
  ): { readonly signal: AbortSignal; readonly respond: (response: ResponseEnvelope) => void } {
    const calls = this.#byLink.get(link) ?? new Map<string, AbortController>();
    this.#byLink.set(link, calls);
    const controller = new AbortController();
    calls.set(id, controller);
    return {
      signal: controller.signal,
      respond: (response) => {
        if (calls.get(id) === controller) {
          calls.delete(id);
        }
        if (!controller.signal.aborted) {
          respond(response);
        }
      },
    };
  }

  /** False when the call has ended already, or there was none. */
  cancel(id: string, link: L): boolean {
    const controller = this.#byLink.get(link)?.get(id);
    controller?.abort(new AgentrtError("CANCELLED", "The caller gave up waiting."));
    return controller !== undefined;
  }

  /**
   * Forgets the calls of a link that is over. Their handlers go on: a lost link is not the caller's
   * wish, and what they do may matter to others.
   */
  forget(link: L): void {
    this.#byLink.delete(link);
  }
}
