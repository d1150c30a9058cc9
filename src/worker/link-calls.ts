import type { AgentId } from "../core/agent-id.ts";
import type { AnswerRoute, CallRoute } from "../core/call-route.ts";
import type { RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { ANSWER_TAG, CALL_TAG, type CallFrame, encodeCallFrame } from "../wire/link/call-frame.ts";
import {
  decodeCallRoute,
  encodeAnswerRoute,
  encodeCallRoute,
  kindOfRoute,
} from "../wire/link/call-route.ts";
import { encodeControlFrame, type RouteFrame } from "../wire/link/frames.ts";
import { LinkedRequest, LinkedResponse, numberOf } from "../wire/link/linked-calls.ts";
import type { PacketWriter } from "../wire/link/packet-writer.ts";
import type { CallSink } from "./frame-sink.ts";
import { OutgoingRequest } from "./outgoing.ts";

/** Routes of calls and of answers that are remembered, the least recently used given up first. */
const MAX_ROUTES = 1_024;
/** Of the routes that the host takes, so many are for calls; the others are for batches. */
const SHARE = 1 / 8;
/** Batches have the numbers below. */
const FIRST_NUMBER = 0x8000_0000;

/** Calls and answers on one link, as frames of their own. */
export class LinkCalls implements CallSink {
  readonly #writer: PacketWriter;
  readonly #calls = new Map<number, CallRoute>();
  readonly #answers = new Map<number, AnswerRoute>();
  /** Numbers by what names the route, the least recently used first. */
  readonly #numbers = new Map<string, number>();
  #maxRoutes = 0;
  #lastNumber = FIRST_NUMBER;
  #lastCall: { readonly route: CallRoute; readonly number: number } | undefined;
  #lastAnswer: { readonly route: AnswerRoute; readonly number: number } | undefined;

  constructor(writer: PacketWriter) {
    this.#writer = writer;
  }

  /** To be called when the host has said how many routes it takes. */
  set hostRoutes(count: number) {
    this.#maxRoutes = Math.min(MAX_ROUTES, Math.floor(count * SHARE));
  }

  /** Of those, so many are for calls. */
  get maxRoutes(): number {
    return this.#maxRoutes;
  }

  write(envelope: RequestEnvelope | ResponseEnvelope): boolean | undefined {
    if (this.#maxRoutes === 0) {
      return undefined;
    }
    if (envelope.kind === "request") {
      return envelope instanceof OutgoingRequest
        ? this.#send(CALL_TAG, this.#callRoute(envelope), envelope.call.number, envelope)
        : undefined;
    }
    const id = envelope.error === "" ? numberOf(envelope.id) : undefined;
    return id === undefined
      ? undefined
      : this.#send(ANSWER_TAG, this.#answerRoute(envelope.payload), id, envelope);
  }

  /** Notes a route of the host. False: it is one of batches. @throws AgentrtError `INVALID_AGENT_ID` */
  agree(route: RouteFrame): boolean {
    switch (kindOfRoute(route)) {
      case "call":
        this.#calls.set(route.number, decodeCallRoute(route));
        return true;
      case "answer":
        this.#answers.set(route.number, route);
        return true;
      default:
        return false;
    }
  }

  forgetInbound(number: number): void {
    this.#calls.delete(number);
    this.#answers.delete(number);
  }

  /** @throws AgentrtError `BAD_FRAME` */
  envelopeOf(frame: CallFrame): LinkedRequest | LinkedResponse {
    if (frame.kind === "call") {
      const route = this.#calls.get(frame.route);
      if (route !== undefined) {
        return new LinkedRequest(route, frame);
      }
    } else {
      const route = this.#answers.get(frame.route);
      if (route !== undefined) {
        return new LinkedResponse(route, frame);
      }
    }
    throw new AgentrtError(
      "BAD_FRAME",
      `The host has not agreed on route ${frame.route} for a ${frame.kind}.`,
    );
  }

  #send(
    tag: typeof CALL_TAG | typeof ANSWER_TAG,
    route: number,
    id: number,
    { headers, payload }: RequestEnvelope | ResponseEnvelope,
  ): boolean {
    return this.#writer.send(encodeCallFrame(tag, route, id, headers, payload.data), 1);
  }

  #callRoute({ target, sender, payload }: OutgoingRequest): number {
    const { dataType, contentType } = payload;
    const last = this.#lastCall;
    if (
      last !== undefined &&
      isSame(last.route.target, target) &&
      isSame(last.route.sender, sender) &&
      last.route.dataType === dataType &&
      last.route.contentType === contentType
    ) {
      return last.number;
    }
    const route: CallRoute = { target, sender, dataType, contentType };
    const number = this.#numberFor(
      JSON.stringify([`${target}`, `${sender ?? ""}`, dataType, contentType]),
      (fresh) => encodeCallRoute(fresh, route),
    );
    this.#lastCall = { route, number };
    return number;
  }

  #answerRoute({ dataType, contentType }: AnswerRoute): number {
    const last = this.#lastAnswer;
    if (last?.route.dataType === dataType && last.route.contentType === contentType) {
      return last.number;
    }
    const route: AnswerRoute = { dataType, contentType };
    const number = this.#numberFor(JSON.stringify([dataType, contentType]), (fresh) =>
      encodeAnswerRoute(fresh, route),
    );
    this.#lastAnswer = { route, number };
    return number;
  }

  #numberFor(name: string, encode: (number: number) => Uint8Array): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) {
      this.#numbers.delete(name);
      this.#numbers.set(name, known);
      return known;
    }
    this.#makeRoom();
    this.#lastNumber += 1;
    this.#numbers.set(name, this.#lastNumber);
    this.#writer.sendControl(encode(this.#lastNumber));
    return this.#lastNumber;
  }

  #makeRoom(): void {
    const [oldest] = this.#numbers;
    if (oldest === undefined || this.#numbers.size < this.#maxRoutes) {
      return;
    }
    const [name, number] = oldest;
    this.#numbers.delete(name);
    // What is sent last may be the least recently looked up.
    this.#lastCall = this.#lastCall?.number === number ? undefined : this.#lastCall;
    this.#lastAnswer = this.#lastAnswer?.number === number ? undefined : this.#lastAnswer;
    const value = { numbers: [number] };
    this.#writer.sendControl(encodeControlFrame({ case: "routesGone", value }));
  }
}

function isSame(one: AgentId | undefined, other: AgentId | undefined): boolean {
  return one === other || one?.equals(other) === true;
}
