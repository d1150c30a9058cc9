import type { EventEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PRESENCE_TOPIC } from "../core/presence.ts";
import { priorityOf } from "../core/priority.ts";
import { AGE_HEADER } from "../core/routing-headers.ts";
import type { Subscription } from "../core/subscription.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import type { Backpressure } from "./backpressure.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { type Delivery, frameOf } from "./delivery.ts";
import { frameFor, handedInAgeMs, supersededFrame, withHeaders } from "./event-frames.ts";
import type { IncidentLog } from "./incident-log.ts";
import type { Placements } from "./placements.ts";
import { presenceOf } from "./presence.ts";
import type { Registry } from "./registry.ts";
import type { RetainedValues, RetainOwner } from "./retained-values.ts";
import type { Session } from "./session.ts";
import type { TopicStatistics } from "./topic-statistics.ts";
import type { MutableTotals } from "./totals.ts";
import type { TypeHolders } from "./type-holders.ts";

export interface EventRouterParts {
  readonly incidents: IncidentLog;
  readonly registry: Registry;
  readonly totals: MutableTotals;
  readonly topics: TopicStatistics;
  readonly deadLetters: DeadLetters;
  readonly backpressure: Backpressure;
  readonly retained: RetainedValues;
  readonly placements: Placements;
  readonly delivery: Delivery;
}

/** What one event meets: who gets it for which agent types, and who is subscribed at all. */
interface Receivers {
  readonly sessions: Session[];
  readonly matched: TypeHolders[];
  /** By session: the agent types that it gets the event for. Undefined while that is all it holds. */
  typesOf: Map<Session, Set<string>> | undefined;
  orphan: string | undefined;
  /** Instances on their way to another worker, which get it there. */
  waiting: number;
}

/** Decides who gets an event, keeps retained ones, and gives new subscribers what is kept. */
export class EventRouter {
  readonly #parts: EventRouterParts;
  #lastEvent = 0;

  constructor(parts: EventRouterParts) {
    this.#parts = parts;
  }

  publish(event: EventEnvelope, from: Session): void {
    const { totals, backpressure } = this.#parts;
    const ageMs = handedInAgeMs(event, from);
    if (ageMs !== undefined) {
      this.#takeIn(event, from, ageMs);
      return;
    }
    totals.eventsIn += 1;
    if (event.topic.equals(PRESENCE_TOPIC)) {
      const message = `Only the host publishes on ${PRESENCE_TOPIC}. Choose another topic.`;
      this.#parts.deadLetters.add("RESERVED_TOPIC", message, event);
      return;
    }
    this.#retain(event, from);
    backpressure.consider(from, this.#route(event));
  }

  /** Publishes an event of the host's own. */
  announce(event: EventEnvelope): void {
    this.#route(event);
  }

  /** Publishes what a worker left behind, in its name. */
  publishWill(event: EventEnvelope, of: Session): void {
    this.#parts.totals.eventsIn += 1;
    this.#retain(event, of);
    this.#route(event);
  }

  /** Gives a new subscriber what is kept of its topics, and who is there. */
  replay(subscription: Subscription, session: Session): void {
    const { registry, retained } = this.#parts;
    const holders = registry.holdersOf(subscription.agentType);
    if (holders === undefined || !holders.has(session)) {
      return;
    }
    for (const { event, ageMs } of retained.matching(subscription)) {
      this.#replayOne(event, ageMs, holders, session);
    }
    if (subscription.matches(PRESENCE_TOPIC)) {
      for (const event of presenceOf(registry.sessions)) {
        this.#replayOne(event, 0, holders, session);
      }
    }
  }

  /** Sends an event to a worker for some of its agent types only. */
  sendFor(agentTypes: readonly string[], event: EventEnvelope, session: Session): void {
    this.#parts.totals.eventsDelivered += 1;
    this.#parts.delivery.offer(session, frameFor(agentTypes, event));
  }

  #retain(event: EventEnvelope, from: Session): void {
    const { registry, retained, delivery } = this.#parts;
    const superseded = retained.consider(event, ownerOf(event, from), from.clientId);
    const publisher = superseded === undefined ? undefined : registry.session(superseded.clientId);
    if (superseded !== undefined && publisher?.capabilities.has("hand-in") === true) {
      delivery.offer(publisher, supersededFrame(superseded.event));
    }
  }

  /** It was published before, so it is no event: those get it that a new value would be replayed to. */
  #takeIn(event: EventEnvelope, from: Session, ageMs: number): void {
    const { registry, retained, totals } = this.#parts;
    if (!retained.takeIn(event, ownerOf(event, from), from.clientId, ageMs)) {
      return;
    }
    totals.retainedHandedIn += 1;
    const receivers = new Set<TypeHolders>();
    registry.forEachReceiver(event.topic.type, (holders) => {
      if (holders !== undefined) {
        receivers.add(holders);
      }
    });
    for (const holders of receivers) {
      for (const session of holders.members) {
        this.#replayOne(event, ageMs, holders, session);
      }
    }
  }

  #replayOne(event: EventEnvelope, ageMs: number, holders: TypeHolders, session: Session): void {
    if (!this.#isFor(holders, event.topic.source, session)) {
      return;
    }
    const headers = { ...event.headers, [AGE_HEADER]: String(Math.max(0, Math.round(ageMs))) };
    this.#parts.totals.eventsReplayed += 1;
    this.sendFor([holders.type], withHeaders(event, headers), session);
  }

  #isFor(holders: TypeHolders, key: string, session: Session): boolean {
    switch (holders.policy) {
      case "broadcast":
        return true;
      case "shared":
        // An instance that lives elsewhere still has had the value, and brings what it made of it.
        return this.#parts.placements.isAt(holders, key, session);
      case "exclusive":
      case "standby":
        return holders.ownerOf(key) === session;
      default:
        throw holders.policy satisfies never;
    }
  }

  #route(event: EventEnvelope): readonly Session[] {
    const { totals, topics, delivery } = this.#parts;
    const receivers = this.#receiversOf(event);
    const bytes = encodeMessage(event);
    if (receivers.sessions.length > 0 || !event.topic.equals(PRESENCE_TOPIC)) {
      // The host's own news, which nobody needs to hear, is no sign of a topic without subscribers.
      topics.record(event.topic.type, bytes.byteLength, receivers.sessions.length);
    }
    if (receivers.sessions.length === 0) {
      if (receivers.waiting === 0) {
        this.#unmatched(event, receivers.orphan);
      }
      return receivers.sessions;
    }
    const whole = frameOf(event, bytes, priorityOf(event.headers));
    for (const session of receivers.sessions) {
      totals.eventsDelivered += 1;
      const types = typesToName(receivers, session);
      if (types !== undefined) {
        this.#warnIfDeaf(session, event);
      }
      delivery.offer(session, types === undefined ? whole : frameFor(types, event));
    }
    return receivers.sessions;
  }

  /** AutoGen's workers give an event to each of their subscribed types, whomever the host names. */
  #warnIfDeaf(session: Session, event: EventEnvelope): void {
    if (session.capabilities.size === 0 && !session.wasWarned) {
      session.wasWarned = true;
      const message = `Worker ${session.clientId} cannot be told which of its agent types an event on ${event.topic} is for, so it makes an instance of a shared or standby type that lives elsewhere. Give each such type a worker of its own.`;
      this.#parts.incidents.record(new AgentrtError("NOT_SUPPORTED", message), session.clientId);
    }
  }

  #receiversOf(event: EventEnvelope): Receivers {
    const { registry } = this.#parts;
    this.#lastEvent += 1;
    const number = this.#lastEvent;
    const receivers: Receivers = {
      sessions: [],
      matched: [],
      typesOf: undefined,
      orphan: undefined,
      waiting: 0,
    };
    const add = (session: Session, type: string): void => {
      if (session.lastEvent !== number) {
        session.lastEvent = number;
        receivers.sessions.push(session);
      }
      const types = receivers.typesOf?.get(session);
      if (types === undefined) {
        receivers.typesOf?.set(session, new Set([type]));
      } else {
        types.add(type);
      }
    };
    registry.forEachReceiver(event.topic.type, (holders, subscription) => {
      if (holders === undefined) {
        receivers.orphan = subscription.agentType;
        return;
      }
      receivers.matched.push(holders);
    });
    if (receivers.matched.some(({ policy }) => policy !== "exclusive")) {
      receivers.typesOf = new Map();
    }
    for (const holders of new Set(receivers.matched)) {
      this.#chooseFor(holders, event, receivers, add);
    }
    return receivers;
  }

  #chooseFor(
    holders: TypeHolders,
    event: EventEnvelope,
    receivers: Receivers,
    add: (session: Session, type: string) => void,
  ): void {
    const { type, policy } = holders;
    if (policy === "broadcast") {
      for (const member of holders.members) {
        add(member, type);
      }
      return;
    }
    const owner =
      policy === "shared"
        ? this.#parts.placements.ownerFor(holders, event.topic.source, (moved) =>
            this.#sendMoved(type, event, moved),
          )
        : holders.ownerOf(event.topic.source);
    if (owner === undefined) {
      receivers.waiting += 1;
    } else {
      add(owner, type);
    }
  }

  #sendMoved(agentType: string, event: EventEnvelope, owner: Session | undefined): void {
    if (owner === undefined) {
      this.#unmatched(event, agentType);
    } else {
      this.sendFor([agentType], event, owner);
    }
  }

  #unmatched(event: EventEnvelope, orphan: string | undefined): void {
    if (event.topic.equals(PRESENCE_TOPIC)) {
      return;
    }
    this.#parts.totals.eventsUnmatched += 1;
    if (orphan !== undefined) {
      const detail = `Agent type "${orphan}" is subscribed, but no worker holds it.`;
      this.#parts.deadLetters.add("NO_SUCH_AGENT", detail, event);
    }
  }
}

/** The agent types to name to a worker that is subscribed with others too, which shall not get the event. */
function typesToName(
  { typesOf, matched }: Receivers,
  session: Session,
): readonly string[] | undefined {
  const types = typesOf?.get(session);
  const hasOthers = matched.some(
    (holders) => types?.has(holders.type) === false && holders.has(session),
  );
  return types !== undefined && hasOthers ? [...types] : undefined;
}

/** A sender that its worker does not hold is a claim only. */
function ownerOf({ sender }: EventEnvelope, from: Session): RetainOwner {
  return sender !== undefined && from.agentTypes.has(sender.type)
    ? { kind: "agent-type", name: sender.type }
    : { kind: "worker", name: from.clientId };
}
