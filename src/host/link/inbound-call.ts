import type { AnswerRoute, CallRoute } from "../../core/call-route.ts";
import type { CallFrame } from "../../wire/link/call-frame.ts";
import { LinkedRequest, LinkedResponse } from "../../wire/link/linked-calls.ts";
import type { OutRoute } from "./out-route.ts";

/** A call or an answer as it goes on: the bytes that came, with the host's numbers. */
export interface PassedOn<E> {
  readonly envelope: E;
  readonly out: OutRoute;
  readonly bytes: Uint8Array;
}

/** A call on its way through the host, which reads none of its data. */
export class InboundCall extends LinkedRequest {
  readonly #out: OutRoute;

  constructor(frame: CallFrame, agreed: { readonly route: CallRoute; readonly out: OutRoute }) {
    super(agreed.route, frame);
    this.#out = agreed.out;
  }

  /** To be called once: it changes the bytes in place. @param id of the call on the next hop */
  passedOn(id: number): PassedOn<LinkedRequest> {
    const bytes = this.frame.renumbered(this.#out.number, id);
    return { envelope: new LinkedRequest(this.route, this.frame, id), out: this.#out, bytes };
  }
}

/** An answer on its way through the host. */
export class InboundAnswer extends LinkedResponse {
  readonly #out: OutRoute;

  constructor(frame: CallFrame, agreed: { readonly route: AnswerRoute; readonly out: OutRoute }) {
    super(agreed.route, frame);
    this.#out = agreed.out;
  }

  /** As that of a call. */
  passedOn(id: number): PassedOn<LinkedResponse> {
    const bytes = this.frame.renumbered(this.#out.number, id);
    return { envelope: new LinkedResponse(this.route, this.frame, id), out: this.#out, bytes };
  }
}
