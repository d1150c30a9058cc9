import type { Envelope, EventEnvelope } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { decodeMessage } from "../../wire/autogen/codec.ts";
import { capabilitiesIn } from "../../wire/capabilities.ts";
import type { CallFrame } from "../../wire/link/call-frame.ts";
import { decodeCallRoute, kindOfRoute } from "../../wire/link/call-route.ts";
import {
  type BatchFrame,
  type ControlFrame,
  creditOf,
  decodeRoute,
  encodeControlFrame,
  type LinkFrame,
  type MessageFrame,
  messagesOf,
  type RouteFrame,
  readPacket,
} from "../../wire/link/frames.ts";
import { Receipts } from "../../wire/link/receipts.ts";
import { type AgentRpcParts, badFrame, watchEnd } from "../admission.ts";
import { assertHeadersFit } from "../header-limits.ts";
import type { HostStream, Session } from "../session.ts";
import { tracedRoute } from "../traced-route.ts";
import { assertTakable, batchReadingOf } from "./batch-reading.ts";
import { checkedHello } from "./checked-hello.ts";
import { DurableLink } from "./durable-link.ts";
import { InboundBatch } from "./inbound-batch.ts";
import { InboundAnswer, InboundCall } from "./inbound-call.ts";
import {
  type AgreedRoute,
  InboundAnswerRoute,
  InboundCallRoute,
  InboundRoute,
  InboundRoutes,
} from "./inbound-routes.ts";
import { LinkSink } from "./link-sink.ts";
import type { LinkState } from "./link-state.ts";
import { welcome } from "./welcome.ts";

export interface LinkReaderOptions {
  readonly parts: AgentRpcParts;
  readonly state: LinkState;
  readonly session: Session;
  readonly stream: HostStream;
  readonly will: EventEnvelope | undefined;
}

/** Before the hello nothing else is taken; after it the worker is connected. */
type Phase =
  | { readonly name: "silent" }
  | { readonly name: "connected"; readonly producer: string; readonly sink: LinkSink };

/** Reads what one worker sends in agentrt's own dialect. */
export class LinkReader {
  readonly #options: LinkReaderOptions;
  readonly #routes: InboundRoutes;
  #phase: Phase = { name: "silent" };
  readonly #receipts: Receipts;
  readonly #durable: DurableLink;

  constructor(options: LinkReaderOptions) {
    this.#options = options;
    const { maxRoutes, linkWindowBytes, linkWindowMessages } = options.parts.options;
    this.#routes = new InboundRoutes(maxRoutes);
    const window = { bytes: linkWindowBytes, messages: linkWindowMessages };
    this.#receipts = new Receipts(window, (bytes, messages) => this.#giveCredit(bytes, messages));
    this.#durable = new DurableLink({
      ...{ parts: options.parts, session: options.session },
      producers: options.state.producers,
      onAccepted: () => this.#receipts.tell(true),
    });
  }

  read(packet: Uint8Array): void {
    const { parts, session, stream } = this.#options;
    parts.totals.bytesIn += packet.byteLength;
    if (this.#phase.name === "connected" && !session.isCurrent(stream)) {
      return;
    }
    session.bytesIn += packet.byteLength;
    let frames: readonly LinkFrame[];
    try {
      frames = readPacket(packet);
    } catch (thrown) {
      this.#refuse(AgentrtError.from(thrown));
      return;
    }
    for (const frame of frames) {
      try {
        this.#take(frame);
      } catch (thrown) {
        this.#refuse(AgentrtError.from(thrown));
      }
    }
  }

  close(): void {
    this.#durable.close();
    this.#receipts.close();
    this.#routes.clear();
  }

  #take(frame: LinkFrame): void {
    if (this.#phase.name === "silent") {
      this.#greet(frame);
      return;
    }
    switch (frame.kind) {
      case "control":
        this.#control(frame, this.#phase.sink);
        return;
      case "batch":
        this.#batch(frame, this.#phase.producer);
        break;
      case "call":
      case "answer":
        this.#call(frame);
        break;
      case "message":
        this.#message(frame);
        break;
      default:
        throw frame satisfies never;
    }
  }

  #greet(frame: LinkFrame): void {
    if (frame.kind !== "control" || frame.frame.case !== "hello") {
      throw new AgentrtError("BAD_FRAME", "The first frame on agentrt.v1.Link has to be a Hello.", {
        data: { isUnreadable: true },
      });
    }
    const { parts, state, session, stream, will } = this.#options;
    const hello = frame.frame.value;
    const { producer, window } = checkedHello(hello);
    session.capabilities = capabilitiesIn(stream.metadata, hello.capabilities);
    const onRoom = (): void => {
      if (session.isCurrent(stream)) {
        session.outbox.drained();
      }
    };
    const sink = new LinkSink(stream, window, onRoom, batchReadingOf(parts, session));
    state.producers.touch(producer);
    sink.writeControl(welcome(hello, this.#options));
    this.#phase = { name: "connected", producer, sink };
    this.#durable.open(producer, sink);
    const isReturning = hello.lastInstance !== "" && hello.lastInstance !== state.instance;
    session.returnedAtMs = isReturning ? Date.now() : undefined;
    session.lastWill = will;
    watchEnd(parts.sessions, session, stream);
    parts.sessions.connected(session, stream, stream.getPeer(), sink);
  }

  #control(control: ControlFrame, sink: LinkSink): void {
    const { frame } = control;
    if (this.#durable.take(control)) {
      return;
    }
    switch (frame.case) {
      case "route":
        this.#routes.agree(frame.value.number, this.#agreed(frame.value));
        return;
      case "routesGone":
        for (const number of frame.value.numbers) {
          this.#routes.forget(number);
        }
        return;
      case "credit":
        sink.taken(Number(frame.value.takenBytes), Number(frame.value.takenMessages));
        return;
      case "goingAway":
        sink.hasAnsweredGoAway = true;
        this.#receipts.tell();
        return;
      default:
        throw new AgentrtError("BAD_FRAME", `A worker does not send a ${frame.case} frame here.`);
    }
  }

  #batch(frame: BatchFrame, producer: string): void {
    const { parts, state, session } = this.#options;
    const route = this.#routes.get(frame.route);
    if (route?.kind !== "batch") {
      throw notAgreed(frame);
    }
    session.messagesIn += frame.count;
    if (!state.producers.accept(producer, frame.sequence + frame.count - 1)) {
      parts.totals.duplicates += frame.count;
      this.#receipts.take(creditOf(frame), messagesOf(frame));
      return;
    }
    const batch = new InboundBatch(frame, route);
    const declaration = parts.durable.topics.declarationFor(batch.topic.type);
    const taken = (): void => this.#receipts.take(creditOf(frame), messagesOf(frame));
    try {
      assertTakable(frame, parts.options.maxMessageBytes);
      if (declaration !== undefined) {
        batch.inflate();
        this.#durable.publish(batch, declaration, taken);
        return;
      }
      parts.router.events.publishBatch(batch, session);
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      badFrame(parts, session, error);
      state.producers.hold(producer, frame.sequence, frame.count)(error);
    }
    taken();
  }

  #call(frame: CallFrame): void {
    const { parts, session } = this.#options;
    const agreed = this.#routes.get(frame.route);
    session.messagesIn += 1;
    this.#receipts.take(creditOf(frame), messagesOf(frame));
    if (agreed?.kind === "call" && frame.kind === "call") {
      this.#route(new InboundCall(frame, agreed));
    } else if (agreed?.kind === "answer" && frame.kind === "answer") {
      const answer = new InboundAnswer(frame, agreed);
      assertHeadersFit(answer, parts.options);
      parts.router.route(answer, session);
    } else {
      throw notAgreed(frame);
    }
  }

  #message(frame: MessageFrame): void {
    this.#options.session.messagesIn += 1;
    this.#receipts.take(creditOf(frame), messagesOf(frame));
    this.#route(decodeMessage(frame.message));
  }

  #route(envelope: Envelope): void {
    const { parts, session } = this.#options;
    assertHeadersFit(envelope, parts.options);
    tracedRoute(parts.tracing, parts.options.maxMessageBytes, envelope, (message) =>
      parts.router.route(message, session),
    );
  }

  /** @throws AgentrtError `INVALID_TOPIC`, `INVALID_AGENT_ID`, `TOO_MANY`, `TOO_LARGE` */
  #agreed(route: RouteFrame): AgreedRoute {
    const { parts, state } = this.#options;
    switch (kindOfRoute(route)) {
      case "call":
        return new InboundCallRoute(decodeCallRoute(route), state.numbers);
      case "answer":
        return new InboundAnswerRoute(route, state.numbers);
      default: {
        const batchRoute = decodeRoute(route);
        assertHeadersFit({ kind: "event", headers: route.headers }, parts.options);
        const { producer } = this.#phase as Extract<Phase, { name: "connected" }>;
        const fullQueue = state.fullQueue.of(batchRoute.topic.type);
        return new InboundRoute(
          { ...batchRoute, producer, receivers: [], fullQueue },
          state.numbers,
        );
      }
    }
  }

  #giveCredit(bytes: number, messages: number): void {
    const { session, state, stream } = this.#options;
    if (this.#phase.name === "connected" && session.isCurrent(stream)) {
      const { producer, sink } = this.#phase;
      const accepted = BigInt(state.producers.accepted(producer));
      const received = BigInt(state.producers.received(producer));
      const taken = { takenBytes: BigInt(bytes), takenMessages: BigInt(messages) };
      const value = { ...taken, accepted, received };
      sink.writeControl(encodeControlFrame({ case: "credit", value }));
    }
  }

  #refuse(error: AgentrtError): void {
    const { parts, session, stream } = this.#options;
    if (this.#phase.name === "silent") {
      parts.totals.badFrames += 1;
      parts.incidents.record(error, session.clientId);
      parts.sessions.endStream(stream, error);
    } else {
      badFrame(parts, session, error);
    }
  }
}

function notAgreed({ kind, route }: BatchFrame | CallFrame): AgentrtError {
  return new AgentrtError(
    "BAD_FRAME",
    `The worker has not agreed on route ${route} for a ${kind}.`,
    { data: { isUnreadable: true } },
  );
}
