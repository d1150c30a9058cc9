import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { QueueLimits } from "../core/prioritized-queue.ts";
import type { Capability } from "../wire/capabilities.ts";
import { Outbox } from "./outbox.ts";

/** A stream of raw frames as the host sees it. */
export type HostStream = ServerDuplexStream<Uint8Array, Uint8Array>;

/**
 * - `announced`: a unary call named the client id; no stream yet. Leaves by a stream, or is forgotten.
 * - `connected`: the stream is open. A newer stream of the same client id takes its place.
 * - `ended`: everything of it is forgotten; nothing leaves this state.
 */
export type SessionState =
  | { readonly name: "announced"; readonly forgetTimer: ReturnType<typeof setTimeout> }
  | { readonly name: "connected"; readonly stream: HostStream }
  | { readonly name: "ended" };

export interface SessionLimits {
  readonly outbox: QueueLimits;
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
    this.outbox = new Outbox(limits.outbox);
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
  connect(stream: HostStream, peer: string): HostStream | undefined {
    const replaced = this.#state.name === "connected" ? this.#state.stream : undefined;
    this.#enter({ name: "connected", stream });
    this.peer = peer;
    this.connectedAt = new Date();
    stream.on("drain", () => {
      if (this.isCurrent(stream)) {
        this.outbox.drained();
      }
    });
    this.outbox.attach(stream);
    return replaced;
  }

  connectControl(stream: HostStream): HostStream | undefined {
    const replaced = this.#control;
    this.#control = stream;
    stream.on("drain", () => {
      if (this.#control === stream) {
        this.controlOutbox.drained();
      }
    });
    this.controlOutbox.attach(stream);
    return replaced;
  }

  get hasControl(): boolean {
    return this.#control !== undefined;
  }

  disconnectControl(stream: HostStream): void {
    if (this.#control === stream) {
      this.#control = undefined;
      this.controlOutbox.close();
    }
  }

  /** Enters its last state. Returns its streams, which the caller must end. Safe to call twice. */
  end(): readonly HostStream[] {
    const streams = [
      this.#control,
      this.#state.name === "connected" ? this.#state.stream : undefined,
    ];
    this.#enter({ name: "ended" });
    this.#control = undefined;
    return streams.filter((stream) => stream !== undefined);
  }

  #enter(next: SessionState): void {
    if (this.#state.name === "announced") {
      clearTimeout(this.#state.forgetTimer);
    }
    this.#state = next;
  }
}
