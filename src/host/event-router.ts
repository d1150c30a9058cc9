// biome-ignore-all lint/style/noExcessiveLinesPerFile: one way of an event, with its durable part
import type { EventEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { PRESENCE_TOPIC } from "../core/presence.ts";
import { RETAIN_HEADER } from "../core/routing-headers.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { TopicDeclaration } from "../store/log/topic-declaration.ts";
import type { Backpressure } from "./backpressure.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { type Delivery, frameOfBatch } from "./delivery.ts";
import type { Durable } from "./durable/durable.ts";
import { frameFor, handedInAgeMs } from "./event-frames.ts";
import type { IncidentLog } from "./incident-log.ts";
import type { InboundBatch } from "./link/inbound-batch.ts";
import type { OutboundFrame } from "./outbox.ts";
import type { Placements } from "./placements.ts";
import { countOf, type Publication, takenApart, wholeFrameOf } from "./publication.ts";
import type { Registry } from "./registry.ts";
import { RetainedEvents } from "./retained-events.ts";
import type { RetainedValues } from "./retained-values.ts";
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
  readonly durable: Durable;
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
  /** True when it is kept for agent types that get it by their cursors. */
  isKept: boolean;
  /** Those of these types that are held: their workers must not give it to them as well. */
  readonly kept: TypeHolders[];
}

/** Decides who gets an event, keeps retained ones, and gives new subscribers what is kept. */
export class EventRouter {
  readonly #parts: EventRouterParts;
  readonly #retained: RetainedEvents;
  #lastEvent = 0;

  constructor(parts: EventRouterParts) {
    this.#parts = parts;
    this.#retained = new RetainedEvents({
      ...parts,
      sendFor: (agentTypes, event, session) => this.sendFor(agentTypes, event, session),
    });
  }

  publish(event: EventEnvelope, from: Session): void {
    const { totals, backpressure } = this.#parts;
    const ageMs = handedInAgeMs(event, from);
    if (ageMs !== undefined) {
      this.#retained.takeIn(event, from, ageMs);
      return;
    }
    totals.eventsIn += 1;
    if (event.topic.equals(PRESENCE_TOPIC)) {
      const message = `Only the host publishes on ${PRESENCE_TOPIC}. Choose another topic.`;
      this.#parts.deadLetters.add("RESERVED_TOPIC", message, event);
      return;
    }
    this.#retained.keep(event, from);
    const declaration = this.#parts.durable.topics.declarationFor(event.topic.type);
    if (declaration !== undefined) {
      void this.#publishWhenStored(event, declaration, from);
      return;
    }
    backpressure.consider(from, this.#route(event), event.topic);
  }

  /** Publishes a batch as one. @throws AgentrtError `BAD_FRAME` when it has to be taken apart and is not whole */
  publishBatch(batch: InboundBatch, from: Session): void {
    if (this.#isForEachRecord(batch)) {
      for (const event of batch.events) {
        this.publish(event, from);
      }
      return;
    }
    this.#parts.totals.eventsIn += batch.count;
    this.#parts.backpressure.consider(from, this.#route(batch), batch.topic);
  }

  /**
   * Publishes a batch of a durable topic: it is stored, and then given to those of its receivers that
   * have no cursor. @throws AgentrtError as {@link DurablePublisher.appendBatch}
   */
  async publishDurable(
    batch: InboundBatch,
    declaration: TopicDeclaration,
    from: Session,
  ): Promise<void> {
    const { durable, totals } = this.#parts;
    totals.eventsIn += batch.count;
    if (this.#isForEachRecord(batch)) {
      for (const event of batch.events) {
        this.#retained.keep(event, from);
      }
    }
    const publishing = await durable.publisher.appendBatch(batch, declaration, from.clientId);
    if (publishing === "stored") {
      this.#route(batch);
    }
  }

  /** Publishes an event of the host's own, or one of a durable topic that was stored before and is due now. */
  announce(event: EventEnvelope): void {
    this.#route(event);
  }

  /** Publishes what a worker left behind, in its name. */
  publishWill(event: EventEnvelope, of: Session): void {
    this.#parts.totals.eventsIn += 1;
    this.#retained.keep(event, of);
    const declaration = this.#parts.durable.topics.declarationFor(event.topic.type);
    if (declaration === undefined) {
      this.#route(event);
    } else {
      void this.#publishWhenStored(event, declaration, of);
    }
  }

  /** Gives a new subscriber what is kept of its topics, and who is there. */
  replay(subscription: Subscription, session: Session): void {
    this.#retained.replay(subscription, session);
  }

  /** Sends an event to a worker for some of its agent types only. */
  sendFor(agentTypes: readonly string[], event: EventEnvelope, session: Session): void {
    this.#parts.totals.eventsDelivered += 1;
    this.#parts.delivery.offer(session, frameFor(agentTypes, event));
  }

  async #publishWhenStored(
    event: EventEnvelope,
    declaration: TopicDeclaration,
    from: Session,
  ): Promise<void> {
    try {
      const { publisher } = this.#parts.durable;
      if ((await publisher.appendEvent(event, declaration, from.clientId)) === "stored") {
        this.#route(event);
      }
    } catch (thrown) {
      const { code, message } = AgentrtError.from(thrown);
      this.#parts.deadLetters.add(code, message, event);
    }
  }

  #route(publication: Publication): readonly Session[] {
    const { topics } = this.#parts;
    const receivers = this.#receiversOf(publication);
    const { topic } = publication;
    const whole = wholeFrameOf(publication);
    if (receivers.sessions.length > 0 || !topic.equals(PRESENCE_TOPIC)) {
      // The host's own news, which nobody needs to hear, is no sign of a topic without subscribers.
      const { length } = receivers.sessions;
      topics.record(topic.type, whole.bytes.byteLength, length, countOf(publication));
    }
    if (receivers.sessions.length === 0) {
      if (receivers.waiting === 0 && !receivers.isKept) {
        this.#unmatched(publication, receivers.orphan);
      }
      return receivers.sessions;
    }
    for (const session of receivers.sessions) {
      const types = typesToName(receivers, session);
      if (types !== undefined) {
        this.#warnIfDeaf(session, topic);
      }
      this.#send(publication, whole, session, types);
    }
    return receivers.sessions;
  }

  /** @param whole the frame for a worker that no agent types have to be named to */
  #send(
    publication: Publication,
    whole: OutboundFrame,
    session: Session,
    agentTypes: readonly string[] | undefined,
  ): void {
    const { totals, delivery } = this.#parts;
    if (publication.kind === "event") {
      totals.eventsDelivered += 1;
      delivery.offer(session, agentTypes === undefined ? whole : frameFor(agentTypes, publication));
    } else if (session.dialect === "agentrt") {
      totals.eventsDelivered += publication.count;
      const { priority } = whole;
      delivery.offer(
        session,
        agentTypes === undefined ? whole : frameOfBatch(publication, priority, agentTypes),
      );
    } else {
      for (const frame of takenApart(publication, agentTypes ?? [])) {
        totals.eventsDelivered += 1;
        delivery.offer(session, frame);
      }
    }
  }

  /** What is kept, reserved or changed record by record is no matter for a batch. */
  #isForEachRecord({ topic, headers }: InboundBatch): boolean {
    return (
      headers[RETAIN_HEADER] !== undefined ||
      topic.equals(PRESENCE_TOPIC) ||
      this.#parts.retained.isAlwaysKept(topic)
    );
  }

  /** AutoGen's workers give an event to each of their subscribed types, whomever the host names. */
  #warnIfDeaf(session: Session, topic: TopicId): void {
    if (session.capabilities.size === 0 && !session.wasWarned) {
      session.wasWarned = true;
      const message = `Worker ${session.clientId} cannot be told which of its agent types an event on ${topic} is for, so it makes an instance of a shared or standby type that lives elsewhere. Give each such type a worker of its own.`;
      this.#parts.incidents.record(new AgentrtError("NOT_SUPPORTED", message), session.clientId);
    }
  }

  #receiversOf(event: Publication): Receivers {
    const { registry, durable } = this.#parts;
    this.#lastEvent += 1;
    const number = this.#lastEvent;
    const receivers: Receivers = {
      sessions: [],
      matched: [],
      typesOf: undefined,
      orphan: undefined,
      waiting: 0,
      isKept: false,
      kept: [],
    };
    const isDurable = durable.topics.declarationFor(event.topic.type) !== undefined;
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
      if (isDurable && durable.cursors.has(subscription.agentType, event.topic.type)) {
        receivers.isKept = true;
        if (holders !== undefined) {
          receivers.kept.push(holders);
        }
        return;
      }
      if (holders === undefined) {
        receivers.orphan = subscription.agentType;
        return;
      }
      receivers.matched.push(holders);
    });
    if (
      receivers.kept.length > 0 ||
      receivers.matched.some(({ policy }) => policy !== "exclusive")
    ) {
      receivers.typesOf = new Map();
    }
    for (const holders of new Set(receivers.matched)) {
      this.#chooseFor(holders, event, receivers, add);
    }
    return receivers;
  }

  #chooseFor(
    holders: TypeHolders,
    event: Publication,
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

  #sendMoved(agentType: string, event: Publication, owner: Session | undefined): void {
    if (owner === undefined) {
      this.#unmatched(event, agentType);
    } else {
      this.#send(event, wholeFrameOf(event), owner, [agentType]);
    }
  }

  #unmatched(event: Publication, orphan: string | undefined): void {
    if (event.topic.equals(PRESENCE_TOPIC)) {
      return;
    }
    this.#parts.totals.eventsUnmatched += countOf(event);
    if (orphan === undefined) {
      return;
    }
    const detail = `Agent type "${orphan}" is subscribed, but no worker holds it.`;
    if (event.kind === "batch") {
      this.#parts.deadLetters.addBatch("NO_SUCH_AGENT", detail, event);
    } else {
      this.#parts.deadLetters.add("NO_SUCH_AGENT", detail, event);
    }
  }
}

/** The agent types to name to a worker that is subscribed with others too, which shall not get the event. */
function typesToName(
  { typesOf, matched, kept }: Receivers,
  session: Session,
): readonly string[] | undefined {
  const types = typesOf?.get(session);
  const isOther = (holders: TypeHolders): boolean =>
    types?.has(holders.type) === false && holders.has(session);
  const hasOthers = matched.some(isOther) || kept.some(isOther);
  return types !== undefined && hasOthers ? [...types] : undefined;
}
