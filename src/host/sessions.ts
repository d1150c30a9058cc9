import { getLogger } from "@logtape/logtape";
import { AgentrtError } from "../core/errors.ts";
import type { PresenceReason } from "../core/presence.ts";
import type { ControlRouter } from "./control-router.ts";
import type { Durable } from "./durable/durable.ts";
import { EndingStreams } from "./ending-streams.ts";
import type { FullQueuePolicies } from "./full-queue-policies.ts";
import type { IncidentLog } from "./incident-log.ts";
import type { HostOptions } from "./options.ts";
import type { Presence } from "./presence.ts";
import type { Registry } from "./registry.ts";
import type { Router } from "./router.ts";
import {
  type HostStream,
  type Replaced,
  Session,
  type SessionLimits,
  type SessionLink,
} from "./session.ts";
import type { MutableTotals } from "./totals.ts";

/** Control messages are rare and small; a worker that leaves more than this unread has given up on them. */
const CONTROL_LIMITS = { maxMessages: 1_000, maxBytes: 16 * 1024 * 1024 } as const;

export interface SessionsParts {
  readonly options: HostOptions;
  readonly registry: Registry;
  readonly router: Router;
  readonly controlRouter: ControlRouter;
  readonly presence: Presence;
  readonly totals: MutableTotals;
  readonly incidents: IncidentLog;
  /** Closes the connection of a peer, `host:port` as gRPC names it. */
  readonly hangUp: (peer: string) => void;
  readonly durable: Durable;
  readonly fullQueue: FullQueuePolicies;
}

/** The coming and going of workers: announced, connected, replaced, left, expelled. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #limits: SessionLimits;
  readonly #ending: EndingStreams;
  readonly #logger = getLogger(["agentrt", "host"]);

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#ending = new EndingStreams(parts.hangUp);
    const { outboxMaxMessages, outboxMaxBytes } = parts.options;
    this.#limits = {
      outbox: { maxMessages: outboxMaxMessages, maxBytes: outboxMaxBytes },
      control: CONTROL_LIMITS,
      fullQueue: parts.fullQueue,
    };
  }

  /**
   * The session of a client id, made now when it is new: unary calls may come before the stream.
   * @throws AgentrtError `TOO_MANY`
   */
  obtain(clientId: string, peer: string): Session {
    const existing = this.#parts.registry.session(clientId);
    if (existing !== undefined) {
      return existing;
    }
    const { registrationGraceMs } = this.#parts.options;
    const made = new Session(clientId, peer, this.#limits, registrationGraceMs, (session) => {
      const message = `Worker ${clientId} registered but opened no stream within ${registrationGraceMs} ms.`;
      this.#parts.incidents.record(new AgentrtError("WORKER_GONE", message), clientId);
      this.#forget(session, "It never opened its stream.", "lost");
      this.#end(session);
    });
    try {
      this.#parts.registry.add(made);
    } catch (error) {
      made.end();
      throw error;
    }
    return made;
  }

  /** @param link for a worker that speaks agentrt's own dialect */
  connected(session: Session, stream: HostStream, peer: string, link?: SessionLink): void {
    const { totals, presence, durable } = this.#parts;
    totals.workersConnected += 1;
    const wasAway = session.state === "away";
    const wasThere = session.state === "connected";
    const replaced = session.connect(stream, peer, link);
    if (replaced !== undefined) {
      durable.cursors.sessionGone(session, "lost");
    }
    const { clientId } = session;
    this.#logger.info("worker joined", { clientId, peer, wasAway });
    if (replaced !== undefined) {
      totals.workersReplaced += 1;
      const message = "A newer stream with the same client-id took this one's place.";
      this.endStream(replaced.stream, new AgentrtError("WORKER_REPLACED", message));
      if (session.capabilities.has("cancel")) {
        // A worker of ours answers on the stream that a call came on, and awaits answers only there.
        this.#parts.router.endCallsOf(session);
      }
      this.#accountFor(session, replaced, "A newer stream took the place of the one it was on.");
      presence.workerReplaced(session);
    }
    presence.workerCame(session);
    if (!wasThere) {
      for (const agentType of session.agentTypes) {
        presence.typeCame(session, agentType);
      }
    }
    durable.cursors.receiversChanged();
  }

  /** Ends a stream with OK, or with the status of an error, which is what the worker sees. */
  endStream(stream: HostStream, error?: AgentrtError): void {
    this.#ending.end(stream, error);
  }

  /** The worker closed its stream, or its connection went; a stream that was replaced changes nothing. */
  left(session: Session, stream: HostStream, how: "left" | "lost"): void {
    if (!session.isCurrent(stream)) {
      return;
    }
    this.#parts.totals.workersLeft += 1;
    this.#logger.info("worker gone", { clientId: session.clientId, how });
    if (how === "lost" && this.#parts.options.sessionGraceMs > 0 && !session.isLeaving) {
      this.#keep(session);
    } else {
      this.#forget(session, "It left before it read this.", how);
      this.#end(session);
    }
  }

  /** Cuts a worker off; it sees the error as the status of its stream. */
  expel(session: Session, error: AgentrtError): void {
    if (session.state === "ended") {
      return;
    }
    this.#parts.totals.workersExpelled += 1;
    this.#parts.incidents.record(error, session.clientId);
    this.#forget(session, "It was cut off before it read this.", "expelled");
    this.#end(session, error);
  }

  /** Cuts off the workers that have read nothing for too long although messages wait for them. To be called often. */
  expelStalled(): void {
    this.#ending.hangUpOnUnread();
    const { slowWorkerTimeoutMs } = this.#parts.options;
    for (const session of [...this.#parts.registry.sessions]) {
      if (session.outbox.blockedForMs > slowWorkerTimeoutMs) {
        const message = `Worker ${session.clientId} has read nothing for ${slowWorkerTimeoutMs} ms while ${session.outbox.queuedMessages} messages wait for it.`;
        this.expel(session, new AgentrtError("SLOW_WORKER", message));
      }
    }
  }

  /** Tells all workers that the host goes. */
  dismissAll(error: AgentrtError): void {
    for (const session of [...this.#parts.registry.sessions]) {
      this.#forget(session, "The host stopped before it could be sent.", undefined);
      this.#end(session, error);
    }
  }

  #end(session: Session, error?: AgentrtError): void {
    for (const stream of session.end()) {
      this.endStream(stream, error);
    }
  }

  /** Keeps what a lost worker registered and is sent, for the grace that the host was told. */
  #keep(session: Session): void {
    const { options, router, controlRouter, presence } = this.#parts;
    const { streams, frames, controls } = session.depart(options.sessionGraceMs, () => {
      this.#forget(session, "It did not come back to read this.", "lost");
      this.#end(session);
    });
    for (const stream of streams) {
      this.endStream(stream);
    }
    for (const frame of controls) {
      controlRouter.undelivered(frame);
    }
    this.#parts.durable.cursors.sessionGone(session, "lost");
    // What it was asked it has lost, and what it asked it no longer waits for.
    router.forget(session);
    this.#accountFor(session, session.sendAgain(frames), "It was lost before it read this.");
    presence.workerWent(session, session.agentTypes, "lost");
  }

  #accountFor(session: Session, { lost, shed }: Omit<Replaced, "stream">, why: string): void {
    const { router } = this.#parts;
    for (const frame of lost) {
      router.undelivered("WORKER_GONE", `${why} Worker ${session.clientId}.`, frame);
    }
    if (shed.length > 0) {
      router.delivery.shed(session, shed);
    }
  }

  /** @param reason undefined when the host itself goes, and nobody is told */
  #forget(session: Session, whyUnsent: string, reason: PresenceReason | undefined): void {
    const { registry, router, controlRouter, presence } = this.#parts;
    const wasThere = session.state === "connected";
    const agentTypes = [...session.agentTypes];
    registry.remove(session);
    const unsent = [...session.closeLink(), ...session.outbox.close()];
    for (const frame of session.controlOutbox.close()) {
      controlRouter.undelivered(frame);
    }
    this.#parts.durable.cursors.sessionGone(session, reason === "left" ? "left" : "lost");
    router.forget(session);
    for (const frame of unsent) {
      router.undelivered("WORKER_GONE", `${whyUnsent} Worker ${session.clientId}.`, frame);
    }
    if (reason === undefined) {
      return;
    }
    if (wasThere) {
      presence.workerWent(session, agentTypes, reason);
    }
    const isUnexpected = reason === "lost" || reason === "expelled";
    if (isUnexpected && session.lastWill !== undefined) {
      router.events.publishWill(session.lastWill, session);
    }
  }
}
