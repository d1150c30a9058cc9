import type { Registry } from "../registry.ts";
import type { Session } from "../session.ts";

/** How long a worker that holds an agent type may take to make the type's subscriptions. */
const PATIENCE_MS = 5_000;

interface Known {
  readonly topicTypes: Set<string>;
  /** When the first message came for which it had no subscription yet. */
  askedAtMs: number | undefined;
}

/**
 * Which workers may be given what of one agent type. A worker that was started takes the type first and makes its
 * subscriptions one by one. What it was given before it has made them it would give back as failed, which counts
 * against the message, and lets others overtake it. So it gets nothing on a topic that it is not subscribed to, but
 * not for ever: a worker that does not want the topic any more shall not hold up the others.
 */
export class SubscribedSessions {
  readonly #agentType: string;
  readonly #registry: Registry;
  readonly #known = new WeakMap<Session, Known>();

  constructor(agentType: string, registry: Registry) {
    this.#agentType = agentType;
    this.#registry = registry;
  }

  /** False: not yet. */
  mayGet(session: Session, topicType: string, nowMs: number): boolean {
    const known = this.#known.get(session) ?? { topicTypes: new Set(), askedAtMs: undefined };
    this.#known.set(session, known);
    if (known.topicTypes.has(topicType)) {
      return true;
    }
    if (this.#registry.isSubscribed(session, this.#agentType, topicType)) {
      known.topicTypes.add(topicType);
      return true;
    }
    known.askedAtMs ??= nowMs;
    return nowMs - known.askedAtMs >= PATIENCE_MS;
  }
}
