import type { AgentId } from "../../core/agent-id.ts";
import type { AnswerRoute, CallRoute } from "../../core/call-route.ts";
import {
  type Headers,
  NO_HEADERS,
  type Payload,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../../core/envelope.ts";
import type { CallFrame } from "./call-frame.ts";

/** A call that came as a frame of its own; what is seldom asked for is made when it is asked for. */
export class LinkedRequest implements RequestEnvelope {
  readonly kind = "request";
  readonly method = "";
  readonly route: CallRoute;
  readonly frame: CallFrame;
  /** The id, which on the link is a number. */
  readonly number: number;
  #payload: Payload | undefined;
  #headers: Headers | undefined;
  #id: string | undefined;

  constructor(route: CallRoute, frame: CallFrame, number = frame.id) {
    this.route = route;
    this.frame = frame;
    this.number = number;
  }

  get id(): string {
    this.#id ??= String(this.number);
    return this.#id;
  }

  get target(): AgentId {
    return this.route.target;
  }

  get sender(): AgentId | undefined {
    return this.route.sender;
  }

  get headers(): Headers {
    this.#headers ??= this.frame.hasHeaders ? this.frame.headers : NO_HEADERS;
    return this.#headers;
  }

  get payload(): Payload {
    this.#payload ??= payloadOf(this.route, this.frame);
    return this.#payload;
  }
}

/** An answer that came as a frame of its own: always a result. */
export class LinkedResponse implements ResponseEnvelope {
  readonly kind = "response";
  readonly error = "";
  readonly route: AnswerRoute;
  readonly frame: CallFrame;
  readonly number: number;

  constructor(route: AnswerRoute, frame: CallFrame, number = frame.id) {
    this.route = route;
    this.frame = frame;
    this.number = number;
  }

  get id(): string {
    return String(this.number);
  }

  get headers(): Headers {
    return this.frame.hasHeaders ? this.frame.headers : NO_HEADERS;
  }

  get payload(): Payload {
    return payloadOf(this.route, this.frame);
  }
}

/** The id of a call or an answer: a number when it came as a frame of its own. */
export function callIdOf(envelope: RequestEnvelope | ResponseEnvelope): string | number {
  const isLinked = envelope instanceof LinkedRequest || envelope instanceof LinkedResponse;
  return isLinked ? envelope.number : envelope.id;
}

/** The number that an id is on the link; undefined for an id that is none. */
export function numberOf(id: string): number | undefined {
  const number = id.length <= 10 ? Number(id) : 0;
  const isId = number > 0 && number <= 0xffff_ffff && Number.isInteger(number);
  return isId && String(number) === id ? number : undefined;
}

function payloadOf({ dataType, contentType }: AnswerRoute, { data }: CallFrame): Payload {
  return { dataType, contentType, data };
}
