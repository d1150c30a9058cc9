import { getLogger } from "@logtape/logtape";
import type { Envelope, RequestEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";
import { errorAnswerTo } from "./answer.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { HostLink } from "./host-link.ts";
import { InboundCalls } from "./inbound-calls.ts";
import type { OutgoingQueue } from "./outgoing-queue.ts";

const logger = getLogger(["agentrt", "worker"]);

/** Takes calls that the host brings to their agents, and the answers back on the link that they came on. */
export class Answers {
  readonly #outgoing: OutgoingQueue;
  readonly #dispatcher: Dispatcher;
  readonly #inbound = new InboundCalls<HostLink>();

  constructor(outgoing: OutgoingQueue, dispatcher: Dispatcher) {
    this.#outgoing = outgoing;
    this.#dispatcher = dispatcher;
  }

  /** A call, or the word that one was given up. */
  take(request: RequestEnvelope, link: HostLink): void {
    const cancelledId = request.headers[CANCEL_HEADER];
    if (cancelledId !== undefined) {
      this.#inbound.cancel(cancelledId, link);
      return;
    }
    const { signal, respond } = this.#inbound.begin(request, link, (response) =>
      this.send(response, link),
    );
    this.#dispatcher.deliverRequest(request, respond, signal);
  }

  /** An answer goes out on the link that its request came on; the host has given up the others. */
  send(response: Envelope, link: HostLink): void {
    const onError = (error: unknown): void => {
      logger.warn("an answer could not be sent", { id: response.id, error });
      if (error instanceof AgentrtError && error.code === "TOO_LARGE") {
        this.send(errorAnswerTo(response.id, error), link);
      }
    };
    try {
      this.#outgoing.offer(response, undefined, link)?.catch(onError);
    } catch (error) {
      onError(error);
    }
  }

  /** Answers a frame that could not be read, if it was a call. */
  refuse(error: AgentrtError, link: HostLink): void {
    logger.warn("a frame from the host could not be read", { error });
    const { requestId } = error.data;
    if (typeof requestId === "string" && requestId !== "") {
      this.send(errorAnswerTo(requestId, error), link);
    }
  }

  /** The link is over. */
  forget(link: HostLink): void {
    this.#inbound.forget(link);
  }
}
