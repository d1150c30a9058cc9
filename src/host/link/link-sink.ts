import { AgentrtError } from "../../core/errors.ts";
import { encodeMessageFrame } from "../../wire/link/batch-frame.ts";
import { encodeControlFrame } from "../../wire/link/frames.ts";
import { GoneRoutes } from "../../wire/link/gone-routes.ts";
import {
  type CreditWindow,
  type PacketStream,
  PacketWriter,
} from "../../wire/link/packet-writer.ts";
import { messagesIn, type OutboundFrame } from "../outbox.ts";
import type { SessionLink } from "../session.ts";
import type { BatchReading } from "./batch-reading.ts";
import type { InboundBatch } from "./inbound-batch.ts";
import type { OutRoute, RouteKnower } from "./out-route.ts";

/** How much of the window urgent frames may use beyond it: they would wait for all that is under way. */
const URGENT_SHARE = 0.25;

interface InFlight {
  readonly frame: OutboundFrame;
  /** All bytes sent up to and with this frame. */
  readonly until: number;
}

/** Sends to one worker in agentrt's own dialect, and knows what it has not taken yet. */
export class LinkSink implements SessionLink, RouteKnower {
  readonly #writer: PacketWriter;
  #inFlight: InFlight[] = [];
  #firstInFlight = 0;
  readonly #routes = new Set<OutRoute>();
  readonly #gone: GoneRoutes;
  readonly #reading: BatchReading;
  /** Set when the worker has answered that it sends no more. */
  hasAnsweredGoAway = false;

  /** @param onRoom called each time that it takes frames again */
  constructor(
    stream: PacketStream,
    window: CreditWindow,
    onRoom: () => void,
    reading: BatchReading,
  ) {
    this.#writer = new PacketWriter(stream, window, onRoom);
    this.#gone = new GoneRoutes(this.#writer);
    this.#reading = reading;
  }

  get underWay(): CreditWindow {
    const { underWayBytes: bytes, underWayMessages: messages } = this.#writer;
    return { bytes, messages };
  }

  get isQuiet(): boolean {
    return this.hasAnsweredGoAway && this.#writer.underWayBytes === 0;
  }

  goAway(reason: string): void {
    this.#writer.sendControl(encodeControlFrame({ case: "goingAway", value: { reason } }));
  }

  get takesUrgent(): boolean {
    return this.#writer.hasRoomBeyond(URGENT_SHARE);
  }

  write(bytes: Uint8Array, frame: OutboundFrame): boolean {
    const { out, envelope } = frame;
    if (envelope.kind === "batch" && envelope.encoding !== 0 && out !== undefined) {
      return this.#writeCompressed(bytes, frame, envelope, out);
    }
    this.#gone.tell();
    if (out !== undefined) {
      this.#introduce(out);
    }
    const unit = out === undefined ? encodeMessageFrame(bytes) : bytes;
    const hasRoom = this.#writer.send(unit, messagesIn(frame));
    this.#inFlight.push({ frame, until: this.#writer.sentBytes });
    return hasRoom;
  }

  /** As it came when the worker reads it so, else inflated. */
  #writeCompressed(
    bytes: Uint8Array,
    frame: OutboundFrame,
    batch: InboundBatch,
    out: OutRoute,
  ): boolean {
    const isRead = this.#reading.encodings.has(batch.encoding);
    let unit = bytes;
    try {
      unit = isRead ? bytes : batch.inflatedFor(out);
    } catch (error) {
      this.#reading.onUnreadable(AgentrtError.from(error), frame);
      return this.#writer.hasRoom;
    }
    this.#gone.tell();
    this.#introduce(out);
    const hasRoom = this.#writer.send(unit, batch.count, isRead ? batch.savedBytes : 0);
    this.#inFlight.push({ frame, until: this.#writer.sentBytes });
    return hasRoom;
  }

  /** Sends a frame that flow control does not count. */
  writeControl(unit: Uint8Array): void {
    this.#writer.sendControl(unit);
  }

  /** The worker has taken so much since the stream began. */
  taken(bytes: number, messages: number): void {
    if (bytes > this.#writer.sentBytes || messages > this.#writer.sentMessages) {
      return;
    }
    while ((this.#inFlight[this.#firstInFlight]?.until ?? Number.POSITIVE_INFINITY) <= bytes) {
      this.#firstInFlight += 1;
    }
    if (this.#firstInFlight > 256 && this.#firstInFlight * 2 > this.#inFlight.length) {
      this.#inFlight = this.#inFlight.slice(this.#firstInFlight);
      this.#firstInFlight = 0;
    }
    this.#writer.taken(bytes, messages);
  }

  routeGone(route: OutRoute): void {
    this.#routes.delete(route);
    this.#gone.add(route.number);
  }

  flush(): void {
    this.#gone.tell();
    this.#writer.flush();
  }

  close(): readonly OutboundFrame[] {
    this.#writer.close();
    for (const route of this.#routes) {
      route.forgetKnower(this);
    }
    this.#routes.clear();
    const frames = this.#inFlight.slice(this.#firstInFlight).map(({ frame }) => frame);
    this.#inFlight = [];
    this.#firstInFlight = 0;
    return frames;
  }

  /** The worker has to know a route before its first batch, and forgets one that no other batch comes on. */
  #introduce(out: OutRoute): void {
    if (out.isKnownTo(this)) {
      return;
    }
    this.#writer.sendControl(out.encoded);
    if (out.isRetired) {
      this.#gone.add(out.number);
    } else {
      out.makeKnown(this);
      this.#routes.add(out);
    }
  }
}
