import type { RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { EventBatch } from "../core/event-batch.ts";
import type { Registration, RegistrationResult } from "../core/registration.ts";
import type { TopicPattern } from "../core/topic-pattern.ts";
import type { FrameStream } from "../wire/autogen/client.ts";
import { WORKER_CAPABILITIES } from "../wire/capabilities.ts";
import { isErrorCode } from "../wire/grpc-status.ts";
import { encodeMessageFrame } from "../wire/link/batch-frame.ts";
import type { Encoding } from "../wire/link/compression.ts";
import {
  type ControlFrame,
  type ControlFrameInit,
  creditOf,
  encodeControlFrame,
  readPacket,
} from "../wire/link/frames.ts";
import { type CreditWindow, creditWindow, PacketWriter } from "../wire/link/packet-writer.ts";
import { Receipts } from "../wire/link/receipts.ts";
import { decodeResult, encodeRegistrations } from "../wire/link/registration-frames.ts";
import { LINK_VERSION } from "../wire/link/service.ts";
import type { BatchSink, RefusedRecords } from "./frame-sink.ts";
import { IntroducedRoutes } from "./introduced-routes.ts";
import { LinkBatches } from "./link-batches.ts";
import { LinkCalls } from "./link-calls.ts";
import type { NumberedRoute } from "./outgoing-batches.ts";

/**
 * What the host may have under way to this worker, which cannot be overtaken. So many messages are about
 * as many of 16 bytes as fit the bytes.
 */
const WINDOW: CreditWindow = { bytes: 512 * 1_024, messages: 65_536 };

/** What the host said of itself when the link was made. */
export interface HostWelcome {
  /** New at each start of the host. */
  readonly instance: string;
  /** What it can do. */
  readonly capabilities: readonly string[];
  /** What became of the registrations in the hello; those that it does not name were not tried. */
  readonly results: ReadonlyMap<Registration, RegistrationResult>;
}

export interface LinkChannelOptions {
  readonly stream: FrameStream;
  readonly producer: string;
  readonly lastInstance: string;
  /** What the host shall know of this worker. */
  readonly registrations: readonly Registration[];
  /** That those may take in the hello; the others are not in it. */
  readonly registrationBytes: number;
  /** The largest message in both directions. */
  readonly maxMessageBytes: number;
  readonly onWelcome: (welcome: HostWelcome) => void;
  readonly onMessage: (message: Uint8Array) => void;
  /** A call or an answer came in agentrt's own form. */
  readonly onCall: (envelope: RequestEnvelope | ResponseEnvelope) => void;
  /** A batch came; `taken` is to be called when it is where there is room for it. */
  readonly onBatch: (batch: EventBatch, taken: () => void) => void;
  /** The records of a batch cannot be read, and are lost. */
  readonly onBadBatch: (error: AgentrtError) => void;
  /** Nothing below the position comes again for the cursor. */
  readonly onCursorFloor: (cursor: string, floor: number) => void;
  /** The host stops: nothing more should be sent. */
  readonly onGoingAway: () => void;
  /** Bytes came that cannot be read; the link is of no more use. */
  readonly onUnreadable: (error: AgentrtError) => void;
}

/** One stream to the host in agentrt's own dialect. */
export class LinkChannel implements BatchSink {
  readonly #options: LinkChannelOptions;
  readonly #writer: PacketWriter;
  readonly #receipts: Receipts;
  readonly calls: LinkCalls;
  readonly #batches: LinkBatches;
  readonly #introduced: IntroducedRoutes;
  #accepted = 0;
  #durablePatterns: readonly TopicPattern[] = [];
  readonly #refusals: RefusedRecords[] = [];
  #onRefused: ((refused: RefusedRecords) => void) | undefined;
  #onDurable: ((patterns: readonly TopicPattern[]) => void) | undefined;
  #onDrain: () => void = () => undefined;
  #onAccepted: (accepted: number, received: number) => void = () => undefined;

  constructor(options: LinkChannelOptions) {
    this.#options = options;
    const { stream, producer, lastInstance, registrations, registrationBytes } = options;
    this.#writer = new PacketWriter(stream, { bytes: 0, messages: 0 }, () => this.#onDrain());
    this.calls = new LinkCalls(this.#writer);
    this.#introduced = new IntroducedRoutes(this.#writer);
    this.#receipts = new Receipts(WINDOW, (bytes, messages) => {
      const value = { takenBytes: BigInt(bytes), takenMessages: BigInt(messages) };
      this.#writer.sendControl(encodeControlFrame({ case: "credit", value }));
    });
    this.#batches = new LinkBatches({
      maxMessageBytes: options.maxMessageBytes,
      receipts: this.#receipts,
      onBatch: options.onBatch,
      onUnreadable: options.onBadBatch,
      nack: (cursor, position, error) =>
        this.report({ case: "nack", value: { cursor, position: BigInt(position), error } }),
    });
    stream.on("data", (packet: Uint8Array) => this.#read(packet));
    this.#writer.sendControl(
      encodeControlFrame({
        case: "hello",
        value: {
          version: LINK_VERSION,
          producer,
          windowBytes: BigInt(WINDOW.bytes),
          windowMessages: BigInt(WINDOW.messages),
          lastInstance,
          capabilities: [...WORKER_CAPABILITIES],
          registrations: encodeRegistrations(registrations, registrationBytes),
        },
      }),
    );
    this.#writer.flush();
  }

  /** Set once the host has said what it can do. */
  encoding: Encoding | undefined;

  get accepted(): number {
    return this.#accepted;
  }

  get window(): CreditWindow {
    return this.#writer.window;
  }

  onAccepted(listener: (accepted: number, received: number) => void): void {
    this.#onAccepted = listener;
  }

  /** Tells at once what came before it was asked. */
  onDurable(
    onPatterns: (patterns: readonly TopicPattern[]) => void,
    onRefused: (refused: RefusedRecords) => void,
  ): void {
    this.#onDurable = onPatterns;
    this.#onRefused = onRefused;
    onPatterns(this.#durablePatterns);
    for (const refused of this.#refusals.splice(0)) {
      onRefused(refused);
    }
  }

  /** Sends what became of records of a durable topic. */
  report(frame: ControlFrameInit): void {
    this.#writer.sendControl(encodeControlFrame(frame));
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  /** Sends an `agents.Message`. */
  writeMessage(message: Uint8Array): boolean {
    return this.#writer.send(encodeMessageFrame(message), 1);
  }

  write(
    frame: Uint8Array,
    { number, route }: NumberedRoute,
    messages: number,
    savedBytes: number,
  ): boolean {
    this.#introduced.introduce(number, route);
    return this.#writer.send(frame, messages, savedBytes);
  }

  forget(route: number): void {
    this.#introduced.forget(route);
  }

  /** Tells the host, which is going away, that nothing more comes but answers. */
  answerGoingAway(): void {
    this.#receipts.tell();
    this.#writer.sendControl(encodeControlFrame({ case: "goingAway", value: {} }));
  }

  /** Sends what waits for the end of the turn, and the credit that is owed. */
  flush(): void {
    this.#receipts.tell();
    this.#writer.flush();
  }

  close(): void {
    this.#receipts.close();
    this.#writer.close();
  }

  #read(packet: Uint8Array): void {
    try {
      for (const frame of readPacket(packet)) {
        switch (frame.kind) {
          case "batch":
            this.#batches.take(frame);
            break;
          case "call":
          case "answer":
            this.#options.onCall(this.calls.envelopeOf(frame));
            this.#receipts.take(creditOf(frame), 1);
            break;
          case "message":
            this.#options.onMessage(frame.message);
            this.#receipts.take(creditOf(frame), 1);
            break;
          case "control":
            this.#control(frame);
            break;
          default:
            throw frame satisfies never;
        }
      }
    } catch (error) {
      this.#options.onUnreadable(AgentrtError.from(error, "BAD_FRAME"));
    }
  }

  #control({ frame }: ControlFrame): void {
    switch (frame.case) {
      case "welcome": {
        const { instance, accepted, maxRoutes, capabilities } = frame.value;
        const results = new Map(
          frame.value.results.flatMap((result, index) => {
            const registration = this.#options.registrations[index];
            return registration === undefined ? [] : [[registration, decodeResult(result)]];
          }),
        );
        this.calls.hostRoutes = maxRoutes;
        this.#introduced.max = maxRoutes - this.calls.maxRoutes;
        this.#accepted = Number(accepted);
        this.#writer.window = creditWindow(frame.value);
        this.#options.onWelcome({ instance, capabilities, results });
        break;
      }
      case "route":
        if (!this.calls.agree(frame.value)) {
          this.#batches.agree(frame.value);
        }
        break;
      case "routesGone":
        for (const number of frame.value.numbers) {
          this.#batches.forget(number);
          this.calls.forgetInbound(number);
        }
        break;
      case "credit":
        this.#onAccepted(Number(frame.value.accepted), Number(frame.value.received));
        this.#writer.taken(Number(frame.value.takenBytes), Number(frame.value.takenMessages));
        break;
      case "durableTopics":
        this.#durablePatterns = frame.value.patterns.map(patternIn);
        this.#onDurable?.(this.#durablePatterns);
        break;
      case "refused": {
        const { sequence, count, code, message } = frame.value;
        const error = new AgentrtError(isErrorCode(code) ? code : "INTERNAL", message);
        const refused = { first: Number(sequence), count, error };
        if (this.#onRefused === undefined) {
          this.#refusals.push(refused);
        } else {
          this.#onRefused(refused);
        }
        break;
      }
      case "cursorFloor":
        this.#options.onCursorFloor(frame.value.cursor, Number(frame.value.floor));
        break;
      case "goingAway":
        this.#options.onGoingAway();
        break;
      default:
        // A newer host may say more than this worker knows.
        break;
    }
  }
}

function patternIn(text: string): TopicPattern {
  return text.endsWith("*") ? { kind: "prefix", text: text.slice(0, -1) } : { kind: "type", text };
}
