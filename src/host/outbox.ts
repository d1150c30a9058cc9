import type { ControlEnvelope } from "../core/control.ts";
import type { Envelope } from "../core/envelope.ts";
import type { DropReason } from "../core/full-queue.ts";
import { PrioritizedQueue, type QueueLimits } from "../core/prioritized-queue.ts";
import type { Priority } from "../core/priority.ts";
import { type Dropped, YieldingItems } from "../core/yielding-items.ts";
import type { DurableDelivery } from "./durable/durable-frame.ts";
import type { FullQueuePolicies, YieldingFrame } from "./full-queue-policies.ts";
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

/**
 * A frame that did not get out, or a part of it. `full`: there was no room, though its topic's publishers are
 * slowed down. The others are as their topic declares it.
 */
export interface Shed {
  readonly frame: OutboundFrame;
  readonly messages: number;
  readonly reason: "full" | DropReason;
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
  readonly #policies: FullQueuePolicies | undefined;
  /** Made when the first of them has to wait. */
  #yielding: YieldingItems<OutboundFrame> | undefined;
  readonly #now: () => number;
  #sink: FrameSink | undefined;
  #isSinkFull = true;
  #blockedSinceMs = 0;
  readonly #watchers = new Set<{ readonly below: number; readonly onRelief: () => void }>();

  constructor(
    limits: QueueLimits,
    now: () => number = Date.now,
    policies: FullQueuePolicies | undefined = undefined,
  ) {
    this.#queue = new PrioritizedQueue(limits);
    this.#policies = policies;
    this.#now = now;
  }

  get queuedMessages(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /**
   * How much of the limits is in use, from 0 to 1: of messages or of bytes, whichever is more. What makes way
   * for others does not count.
   */
  get fullness(): number {
    const { maxMessages, maxBytes } = this.#queue.limits;
    return Math.max(this.#firmMessages / maxMessages, this.#firmBytes / maxBytes);
  }

  get #firmMessages(): number {
    return this.#queue.length - (this.#yielding?.messages ?? 0);
  }

  get #firmBytes(): number {
    return this.#queue.bytes - (this.#yielding?.bytes ?? 0);
  }

  /** True when a frame that is offered goes to the stream at once, and nothing waits before it. */
  get isTaking(): boolean {
    return !this.#isSinkFull;
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
   * Puts frames that were sent and have not arrived before everything that waits. To be called while there is
   * no stream. Returns what had to go.
   */
  sendAgain(frames: readonly OutboundFrame[]): readonly Shed[] {
    const waiting = this.close();
    return [
      ...frames.flatMap((frame) => this.#enqueue(frame, true)),
      ...waiting.flatMap((frame) => this.#enqueue(frame, false)),
    ];
  }

  /**
   * Sends a frame, or queues it. Returns what had to go because the queue was full: first what makes way by
   * its topic, then the oldest events; of those that are not more urgent, or the new frame itself when there is
   * none. Of a topic that keeps the latest, what a newer one has taken the place of goes at once.
   */
  offer(frame: OutboundFrame): readonly Shed[] {
    const isAhead = frame.priority === "high" && this.#sink?.takesUrgent === true;
    if (!this.#isSinkFull || (isAhead && this.#queue.countOf("high") === 0)) {
      this.#write(frame);
      return NONE;
    }
    return this.#enqueue(frame, false);
  }

  #enqueue(frame: OutboundFrame, isSentAgain: boolean): readonly Shed[] {
    const yielding = this.#policies?.yielding(frame, isSentAgain);
    if (yielding !== undefined) {
      return this.#enqueueYielding(frame, yielding);
    }
    if (this.#push(frame)) {
      return NONE;
    }
    const shed: Shed[] = [];
    while (!this.#push(frame)) {
      const yielded = this.#yielding?.dropOldest(isKept(frame) ? "high" : frame.priority);
      if (yielded !== undefined) {
        shed.push({ frame: yielded, messages: messagesIn(yielded), reason: "oldest" });
        continue;
      }
      const dropped = this.#queue.dropOldest(frame.priority) ?? frame;
      shed.push({ frame: dropped, messages: messagesIn(dropped), reason: "full" });
      if (dropped === frame) {
        break;
      }
    }
    return shed;
  }

  #enqueueYielding(
    whole: OutboundFrame,
    { frame, key, superseded }: YieldingFrame,
  ): readonly Shed[] {
    this.#yielding ??= new YieldingItems(this.#queue);
    const { size: bytes, priority } = frame;
    const dropped = this.#yielding.offer({
      ...{ item: frame, bytes, priority, key },
      messages: messagesIn(frame),
    });
    if (superseded === 0 && dropped.length === 0) {
      return NONE;
    }
    const shed = dropped.map(shedOf);
    return superseded === 0
      ? shed
      : [...shed, { frame: whole, messages: superseded, reason: "superseded" }];
  }

  /** Calls and answers are not dropped for newer frames: their callers would wait in vain. */
  #push(frame: OutboundFrame): boolean {
    return this.#queue.push(frame, frame.size, frame.priority, isKept(frame), messagesIn(frame));
  }

  /** True when a call of this size would be sent or queued, and nothing be shed but what makes way for it. */
  hasRoomFor(size: number): boolean {
    return !this.#isSinkFull || this.#queue.hasRoomFor(size) || this.#canMakeRoomFor(size);
  }

  #canMakeRoomFor(size: number): boolean {
    const { maxMessages, maxBytes } = this.#queue.limits;
    return (
      this.#yielding !== undefined &&
      this.#firmMessages < maxMessages &&
      (this.#firmMessages === 0 || this.#firmBytes + size <= maxBytes)
    );
  }

  /** The stream takes frames again. */
  drained(): void {
    this.#isSinkFull = this.#sink === undefined;
    while (!this.#isSinkFull) {
      const frame = this.#queue.shift();
      if (frame === undefined) {
        break;
      }
      this.#yielding?.taken(frame, frame.priority);
      this.#write(frame);
    }
    this.#tellWatchers();
  }

  /** Takes out everything that has not been sent, and sends no more. */
  close(): readonly OutboundFrame[] {
    this.#sink = undefined;
    this.#isSinkFull = true;
    const unsent = [...this.#queue.drain()];
    this.#yielding = undefined;
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

function isKept({ envelope }: OutboundFrame): boolean {
  const { kind } = envelope;
  return kind === "request" || kind === "response" || kind === "durable";
}

function shedOf({ item, reason }: Dropped<OutboundFrame>): Shed {
  return { frame: item, messages: messagesIn(item), reason };
}

const NONE: readonly Shed[] = Object.freeze([]);
