import type { ControlEnvelope } from "../core/control.ts";
import type { Envelope } from "../core/envelope.ts";
import { PrioritizedQueue, type QueueLimits } from "../core/prioritized-queue.ts";
import type { Priority } from "../core/priority.ts";
import type { DurableDelivery } from "./durable/durable-frame.ts";
import type { InboundBatch } from "./link/inbound-batch.ts";
import type { OutRoute } from "./link/out-route.ts";

/** A message, or a batch of them, on its way to one worker, with the bytes that go out. */
export interface OutboundFrame {
  readonly envelope: Envelope | ControlEnvelope | InboundBatch | DurableDelivery;
  readonly bytes: Uint8Array;
  /** On a batch: the route that its bytes name. */
  readonly out?: OutRoute;
  readonly priority: Priority;
  /** What it costs the queue: its bytes and a fixed overhead. */
  readonly size: number;
}

/** Where frames go: a gRPC stream, which says by `write` when it has had enough. */
export interface FrameSink {
  /** Takes the bytes; returns false when nothing more should be written until `drained` is called. */
  write(bytes: Uint8Array, frame: OutboundFrame): boolean;
  /** True while it takes urgent frames although it has had enough of others. */
  readonly takesUrgent?: boolean;
}

/**
 * The bounded, prioritised queue of one worker. Frames go straight to the stream while it
 * takes them, and wait here when it does not, or when there is no stream yet; so little is in
 * flight below the queue, and an urgent message overtakes all that waits.
 */
export class Outbox {
  readonly #queue: PrioritizedQueue<OutboundFrame>;
  readonly #now: () => number;
  #sink: FrameSink | undefined;
  #isSinkFull = true;
  #blockedSinceMs = 0;
  readonly #watchers = new Set<{ readonly below: number; readonly onRelief: () => void }>();

  constructor(limits: QueueLimits, now: () => number = Date.now) {
    this.#queue = new PrioritizedQueue(limits);
    this.#now = now;
  }

  get queuedMessages(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** How much of the limits is in use, from 0 to 1: of messages or of bytes, whichever is more. */
  get fullness(): number {
    const { maxMessages, maxBytes } = this.#queue.limits;
    return Math.max(this.#queue.length / maxMessages, this.#queue.bytes / maxBytes);
  }

  /** Calls `onRelief` each time that sending leaves the queue less full than `below`, until the result is called. */
  watchRelief(below: number, onRelief: () => void): () => void {
    const watcher = { below, onRelief };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** For how long the stream has taken nothing although frames wait, in milliseconds; else 0. */
  get blockedForMs(): number {
    const isBlocked = this.#sink !== undefined && this.#isSinkFull && this.#queue.length > 0;
    return isBlocked ? this.#now() - this.#blockedSinceMs : 0;
  }

  /** Connects the queue to a stream, a new one in place of an old one, and sends what waits. */
  attach(sink: FrameSink): void {
    this.#sink = sink;
    this.drained();
  }

  /**
   * Sends a frame, or queues it. Returns the frames that had to go because the queue was full:
   * the oldest events of those that are not more urgent, or the new frame itself when there is none.
   */
  offer(frame: OutboundFrame): readonly OutboundFrame[] {
    const isAhead = frame.priority === "high" && this.#sink?.takesUrgent === true;
    if (!this.#isSinkFull || (isAhead && this.#queue.countOf("high") === 0)) {
      this.#write(frame);
      return NONE;
    }
    if (this.#push(frame)) {
      return NONE;
    }
    const shed: OutboundFrame[] = [];
    while (!this.#push(frame)) {
      const dropped = this.#queue.dropOldest(frame.priority);
      shed.push(dropped ?? frame);
      if (dropped === undefined) {
        break;
      }
    }
    return shed;
  }

  /** Calls and answers are not dropped for newer frames: their callers would wait in vain. */
  #push(frame: OutboundFrame): boolean {
    const { kind } = frame.envelope;
    const isKept = kind === "request" || kind === "response" || kind === "durable";
    return this.#queue.push(frame, frame.size, frame.priority, isKept, messagesIn(frame));
  }

  /** True when a frame of this size would be sent or queued without anything being shed. */
  hasRoomFor(size: number): boolean {
    return !this.#isSinkFull || this.#queue.hasRoomFor(size);
  }

  /** The stream takes frames again. */
  drained(): void {
    this.#isSinkFull = this.#sink === undefined;
    while (!this.#isSinkFull) {
      const frame = this.#queue.shift();
      if (frame === undefined) {
        break;
      }
      this.#write(frame);
    }
    this.#tellWatchers();
  }

  /** Takes out everything that has not been sent, and sends no more. */
  close(): readonly OutboundFrame[] {
    this.#sink = undefined;
    this.#isSinkFull = true;
    const unsent = [...this.#queue.drain()];
    this.#tellWatchers();
    return unsent;
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) {
      return;
    }
    const { fullness } = this;
    for (const watcher of [...this.#watchers]) {
      if (fullness < watcher.below) {
        watcher.onRelief();
      }
    }
  }

  #write(frame: OutboundFrame): void {
    if (this.#sink?.write(frame.bytes, frame) !== true) {
      // An urgent frame that went ahead is no sign that the stream moves.
      this.#blockedSinceMs = this.#isSinkFull ? this.#blockedSinceMs : this.#now();
      this.#isSinkFull = true;
    }
  }
}

/** How many messages a frame holds. */
export function messagesIn({ envelope }: OutboundFrame): number {
  return envelope.kind === "batch" || envelope.kind === "durable" ? envelope.count : 1;
}

const NONE: readonly OutboundFrame[] = Object.freeze([]);
