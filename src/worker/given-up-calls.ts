import { getLogger } from "@logtape/logtape";
import type { RequestEnvelope } from "../core/envelope.ts";
import type { HostLink } from "./host-link.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { cancelRequest, OutgoingRequest } from "./outgoing.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";

const logger = getLogger(["agentrt", "worker"]);

/** Tells the host of calls that were given up here, so that their agents need not go on. */
export class GivenUpCalls {
  readonly #outgoing: OutgoingQueue;
  readonly #currentLink: () => HostLink | undefined;
  /** The link on which the host got a call, when that has no place for it itself. */
  readonly #sentOn = new WeakMap<RequestEnvelope, HostLink>();

  constructor(outgoing: OutgoingQueue, currentLink: () => HostLink | undefined) {
    this.#outgoing = outgoing;
    this.#currentLink = currentLink;
  }

  /** @param signal aborts when nobody waits for the call any more */
  watch(request: RequestEnvelope, signal: SignalLike | undefined): void {
    signal?.addEventListener("abort", () => this.#tell(request), { once: true });
  }

  noteSent(request: RequestEnvelope): void {
    const link = this.#currentLink();
    if (request instanceof OutgoingRequest) {
      request.sentOn = link;
    } else if (link !== undefined) {
      this.#sentOn.set(request, link);
    }
  }

  /** Not to a host that has not seen the call, or would take the message for another call. */
  #tell(request: RequestEnvelope): void {
    const link = this.#currentLink();
    const sentOn = request instanceof OutgoingRequest ? request.sentOn : this.#sentOn.get(request);
    if (link === undefined || link !== sentOn || !link.can("cancel")) {
      return;
    }
    const { target, sender } = request;
    const isNumbered = link.calls !== undefined && request instanceof OutgoingRequest;
    const id = isNumbered ? String(request.call.number) : request.id;
    this.#outgoing.send(cancelRequest(id, target, sender), undefined, link).catch((error) => {
      logger.debug("a call could not be cancelled at its agent", { id, error });
    });
  }
}
