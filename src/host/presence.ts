import { type EventEnvelope, JSON_CONTENT_TYPE } from "../core/envelope.ts";
import {
  PRESENCE_DATA_TYPE,
  PRESENCE_TOPIC,
  type PresenceReason,
  type WorkerPresence,
} from "../core/presence.ts";
import type { Session } from "./session.ts";

const encoder = new TextEncoder();

/** Tells on the presence topic which workers and agent types come and go. */
export class Presence {
  readonly #announce: (event: EventEnvelope) => void;

  constructor(announce: (event: EventEnvelope) => void) {
    this.#announce = announce;
  }

  workerCame(session: Session): void {
    this.#announce(eventFor(session, "came", "", ""));
  }

  typeCame(session: Session, agentType: string): void {
    this.#announce(eventFor(session, "came", agentType, ""));
  }

  /** The worker stays and gives up one agent type. */
  typeLeft(session: Session, agentType: string): void {
    this.#announce(eventFor(session, "went", agentType, "left"));
  }

  /** A newer stream took over: the worker goes and comes, and keeps its agent types. */
  workerReplaced(session: Session): void {
    this.#announce(eventFor(session, "went", "", "replaced"));
  }

  /** @param agentTypes what it held until now */
  workerWent(session: Session, agentTypes: Iterable<string>, reason: PresenceReason): void {
    for (const agentType of agentTypes) {
      this.#announce(eventFor(session, "went", agentType, reason));
    }
    this.#announce(eventFor(session, "went", "", reason));
  }
}

/** What a new subscriber is told of those who are there already. */
export function* presenceOf(sessions: Iterable<Session>): Generator<EventEnvelope> {
  for (const session of sessions) {
    if (session.state !== "connected") {
      continue;
    }
    yield eventFor(session, "came", "", "", session.connectedAt);
    for (const agentType of session.agentTypes) {
      yield eventFor(session, "came", agentType, "", session.connectedAt);
    }
  }
}

function eventFor(
  session: Session,
  change: WorkerPresence["change"],
  agentType: string,
  reason: PresenceReason,
  at: Date = new Date(),
): EventEnvelope {
  const presence: WorkerPresence = {
    subject: agentType === "" ? "worker" : "agent_type",
    change,
    client_id: session.clientId,
    agent_type: agentType,
    reason,
    at: at.toISOString(),
  };
  return {
    kind: "event",
    id: crypto.randomUUID(),
    topic: PRESENCE_TOPIC,
    sender: undefined,
    headers: {},
    payload: {
      dataType: PRESENCE_DATA_TYPE,
      contentType: JSON_CONTENT_TYPE,
      data: encoder.encode(JSON.stringify(presence)),
    },
  };
}
