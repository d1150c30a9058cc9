import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { EventEnvelope } from "../core/envelope.ts";
import type { QueueLimits } from "../core/prioritized-queue.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import type { Capability } from "../wire/capabilities.ts";
import { LinkedRequest, LinkedResponse } from "../wire/link/linked-calls.ts";
import type { FullQueuePolicies } from "./full-queue-policies.ts";
import { type FrameSink, type OutboundFrame, Outbox, type Shed } from "./outbox.ts";
import { takenApart } from "./publication.ts";

/** A stream of raw frames as the host sees it. */
export type HostStream = ServerDuplexStream<Uint8Array, Uint8Array>;

/**
 * - `announced`: a unary call named the client id; no stream yet. Leaves by a stream, or is forgotten.
 * - `connected`: the stream is open. A newer stream of the same client id takes its place.
 * - `away`: the connection was lost; kept with its queue for a grace, in case it comes back.
 * - `ended`: everything of it is forgotten; nothing leaves this state.
 */
export type SessionState =
  | { readonly name: "announced"; readonly forgetTimer: ReturnType<typeof setTimeout> }
  | {
      readonly name: "connected";
      readonly stream: HostStream;
      readonly link: SessionLink | undefined;
    }
  | { readonly name: "away"; readonly forgetTimer: ReturnType<typeof setTimeout> }
  | { readonly name: "ended" };

/** The worker's end in agentrt's own dialect, which knows what has arrived there. */
export interface SessionLink extends FrameSink {
  /** Says that the host stops. */
  goAway(reason: string): void;
  /** True when the worker has said that it sends nothing more but answers, and has taken what it was sent. */
  readonly isQuiet: boolean;
  /** Sends a frame that flow control does not count. */
  writeControl(unit: Uint8Array): void;
  /** Writes what it has collected. */
  flush(): void;
  /** Sends no more. Returns what was sent and not taken, the oldest first. */
  close(): readonly OutboundFrame[];
}

export interface Departure {
  readonly streams: readonly HostStream[];
  readonly frames: readonly OutboundFrame[];
  readonly controls: readonly OutboundFrame[];
}

/** A stream that a newer one took the place of. */
export interface Replaced {
  readonly stream: HostStream;
  /** Calls and answers that had been sent on it and not taken: they are not sent again. */
  readonly lost: readonly OutboundFrame[];
  /** What had to go to make room for the events that are sent again. */
  readonly shed: readonly Shed[];
}

export interface SessionLimits {
  readonly outbox: QueueLimits;
  readonly fullQueue: FullQueuePolicies;
  readonly control: QueueLimits;
}

/** What the host keeps for one worker: its streams, its queue, what it registered, what it has sent and got. */
export class Session {
  readonly clientId: string;
  readonly outbox: Outbox;
  readonly controlOutbox: Outbox;
  readonly agentTypes = new Set<string>();
  readonly subscriptionIds = new Set<string>();
  connectedAt = new Date();
  peer: string;
  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  shed = 0;
  /** Number of the last event given to this session; lets the router give each event once. */
  lastEvent = 0;
  /** What its worker can do beyond the protocol. */
  capabilities: ReadonlySet<Capability> = new Set();
  /** True while it is too far behind for its publishers to wait for it; see Backpressure. */
  isSlow = false;
  /** When it came, if it was connected to this host before the host was started anew. */
  returnedAtMs: number | undefined;
  /** True when it was said once that it cannot tell its agent types apart; see EventRouter. */
  wasWarned = false;
  /** True while it takes its leave: its shared instances move to other workers. */
  isLeaving = false;
  /** Published in its name when it is lost. */
  lastWill: EventEnvelope | undefined;
  /** True for a worker that can hand over the state of an instance; see Placements. */
  canHandOver = false;
  /** Names its worker's process, when that speaks agentrt's own dialect. */
  producer: string | undefined;
  /** What it held when it was lost and may register again, once each, as if it were new. */
  readonly restorable = { agentTypes: new Set<string>(), subscriptionIds: new Set<string>() };
  #state: SessionState;
  #control: HostStream | undefined;

  /** @param forget called once when no stream has come within `graceMs` */
  constructor(
    clientId: string,
    peer: string,
    limits: SessionLimits,
    graceMs: number,
    forget: (session: Session) => void,
  ) {
    this.clientId = clientId;
    this.peer = peer;
    this.outbox = new Outbox(limits.outbox, Date.now, limits.fullQueue);
    this.controlOutbox = new Outbox(limits.control);
    this.#state = { name: "announced", forgetTimer: setTimeout(() => forget(this), graceMs) };
  }

  get state(): SessionState["name"] {
    return this.#state.name;
  }

  /** True for the stream that speaks for this worker now. */
  isCurrent(stream: HostStream): boolean {
    return this.#state.name === "connected" && this.#state.stream === stream;
  }

  /** How the worker is spoken to; its own dialect is known only while it is connected. */
  get dialect(): "autogen" | "agentrt" {
    return this.#link === undefined ? "autogen" : "agentrt";
  }

  /** Reads no more from the worker until `resume`; what it sends waits on its side. */
  pause(): void {
    if (this.#state.name === "connected") {
      this.#state.stream.pause();
    }
  }

  resume(): void {
    if (this.#state.name === "connected") {
      this.#state.stream.resume();
    }
  }

  /** Makes a stream the worker's own. Returns the one that it replaces, which the caller must end. */
  connect(stream: HostStream, peer: string, link?: SessionLink): Replaced | undefined {
    const old = this.#state.name === "connected" ? this.#state : undefined;
    const untaken = old?.link?.close() ?? [];
    this.#enter({ name: "connected", stream, link });
    this.peer = peer;
    this.connectedAt = new Date();
    if (link === undefined) {
      stream.on("drain", () => {
        if (this.isCurrent(stream)) {
          this.outbox.drained();
        }
      });
    }
    const resent = this.sendAgain(untaken);
    this.outbox.attach(link ?? sinkOf(stream, (count) => this.#lost(count)));
    return old === undefined ? undefined : { stream: old.stream, ...resent };
  }

  /**
   * Puts events that were sent and not taken before what waits, for when the worker is there again; to be called
   * while it has no stream. A call is not made twice, and a cursor sends its records again by itself.
   */
  sendAgain(untaken: readonly OutboundFrame[]): Omit<Replaced, "stream"> {
    const isEvent = ({ envelope }: OutboundFrame): boolean =>
      envelope.kind === "event" || envelope.kind === "batch";
    const events = untaken.filter(isEvent);
    return {
      lost: untaken.filter((frame) => !isEvent(frame) && frame.envelope.kind !== "durable"),
      shed: events.length === 0 ? [] : this.outbox.sendAgain(events),
    };
  }

  /** What was sent and not taken, the oldest first; nothing is known of it in AutoGen's dialect. Sends no more. */
  closeLink(): readonly OutboundFrame[] {
    return this.#link?.close() ?? [];
  }

  /** Tells a worker that understands it that the host stops. */
  goAway(reason: string): void {
    this.#link?.goAway(reason);
  }

  /** Sends a frame of agentrt's own dialect that flow control does not count; nothing to a worker of another. */
  tell(unit: Uint8Array): void {
    this.#link?.writeControl(unit);
  }

  /** True when nothing more is to be expected of it, and nothing is under way to it; of AutoGen's workers nobody knows. */
  get isQuiet(): boolean {
    return this.outbox.queuedMessages === 0 && this.#link?.isQuiet !== false;
  }

  get #link(): SessionLink | undefined {
    return this.#state.name === "connected" ? this.#state.link : undefined;
  }

  connectControl(stream: HostStream): HostStream | undefined {
    const replaced = this.#control;
    this.#control = stream;
    stream.on("drain", () => {
      if (this.#control === stream) {
        this.controlOutbox.drained();
      }
    });
    this.controlOutbox.attach(sinkOf(stream, (count) => this.#lost(count)));
    return replaced;
  }

  get hasControl(): boolean {
    return this.#control !== undefined;
  }

  /** True for the control stream that speaks for this worker now. */
  isCurrentControl(stream: HostStream): boolean {
    return this.#control === stream;
  }

  disconnectControl(stream: HostStream): void {
    if (this.#control === stream) {
      this.#control = undefined;
      this.controlOutbox.close();
    }
  }

  /**
   * Keeps it without a stream; what it is sent waits. Calls `forget` when it has not come back in time.
   * Returns its streams, which the caller must end, and the frames that had not been sent or not been taken.
   */
  depart(graceMs: number, forget: () => void): Departure {
    const streams = this.#streams();
    const untaken = this.closeLink();
    this.#enter({ name: "away", forgetTimer: setTimeout(forget, graceMs) });
    this.#control = undefined;
    this.makeRestorable();
    const frames = [...untaken, ...this.outbox.close()];
    return { streams, frames, controls: this.controlOutbox.close() };
  }

  makeRestorable(): void {
    for (const type of this.agentTypes) {
      this.restorable.agentTypes.add(type);
    }
    for (const id of this.subscriptionIds) {
      this.restorable.subscriptionIds.add(id);
    }
  }

  /** Enters its last state. Returns its streams, which the caller must end. Safe to call twice. */
  end(): readonly HostStream[] {
    const streams = this.#streams();
    this.#enter({ name: "ended" });
    this.#control = undefined;
    return streams;
  }

  #lost(count: number): void {
    this.shed += count;
  }

  #streams(): readonly HostStream[] {
    const stream = this.#state.name === "connected" ? this.#state.stream : undefined;
    return [this.#control, stream].filter((one) => one !== undefined);
  }

  #enter(next: SessionState): void {
    if (this.#state.name === "announced" || this.#state.name === "away") {
      clearTimeout(this.#state.forgetTimer);
    }
    this.#state = next;
  }
}

/** What waited in agentrt's own form for a worker that now speaks AutoGen's dialect goes out in AutoGen's. */
function sinkOf(stream: HostStream, onUnreadable: (count: number) => void): FrameSink {
  return {
    write: (bytes, { envelope, out }) => {
      if (envelope.kind === "durable") {
        // Its cursor has taken it back when the link was over.
        return true;
      }
      if (envelope.kind !== "batch") {
        const isLinked = envelope instanceof LinkedRequest || envelope instanceof LinkedResponse;
        return stream.write(isLinked ? encodeMessage(envelope) : bytes);
      }
      let frames: readonly OutboundFrame[] = [];
      try {
        frames = takenApart(envelope, out?.receivers ?? []);
      } catch {
        // Nobody had to read it before: what its publisher sent are no records.
        onUnreadable(envelope.count);
      }
      return frames.reduce((_, frame) => stream.write(frame.bytes), true);
    },
  };
}
