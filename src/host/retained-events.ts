import { type EventEnvelope, withHeaders } from "../core/envelope.ts";
import { PRESENCE_TOPIC } from "../core/presence.ts";
import { AGE_HEADER } from "../core/routing-headers.ts";
import type { Subscription } from "../core/subscription.ts";
import type { Delivery } from "./delivery.ts";
import { supersededFrame } from "./event-frames.ts";
import type { Placements } from "./placements.ts";
import { presenceOf } from "./presence.ts";
import type { Registry } from "./registry.ts";
import type { RetainedValues, RetainOwner } from "./retained-values.ts";
import type { Session } from "./session.ts";
import type { MutableTotals } from "./totals.ts";
import type { TypeHolders } from "./type-holders.ts";

export interface RetainedEventsParts {
  readonly registry: Registry;
  readonly totals: MutableTotals;
  readonly retained: RetainedValues;
  readonly placements: Placements;
  readonly delivery: Delivery;
  /** Sends an event to a worker for some of its agent types only. */
  readonly sendFor: (agentTypes: readonly string[], event: EventEnvelope, session: Session) => void;
}

/** Keeps the retained ones of the events that pass, and gives new subscribers what is kept. */
export class RetainedEvents {
  readonly #parts: RetainedEventsParts;

  constructor(parts: RetainedEventsParts) {
    this.#parts = parts;
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

  /** Keeps or clears, as the event says; tells the worker whose value it takes the place of. */
  keep(event: EventEnvelope, from: Session): void {
    const { registry, retained, delivery } = this.#parts;
    const superseded = retained.consider(event, ownerOf(event, from), from.clientId);
    const publisher = superseded === undefined ? undefined : registry.session(superseded.clientId);
    if (superseded !== undefined && publisher?.capabilities.has("hand-in") === true) {
      delivery.offer(publisher, supersededFrame(superseded.event));
    }
  }

  /** It was published before, so it is no event: those get it that a new value would be replayed to. */
  takeIn(event: EventEnvelope, from: Session, ageMs: number): void {
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
    this.#parts.sendFor([holders.type], withHeaders(event, headers), session);
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
}

/** A sender that its worker does not hold is a claim only. */
function ownerOf({ sender }: EventEnvelope, from: Session): RetainOwner {
  return sender !== undefined && from.agentTypes.has(sender.type)
    ? { kind: "agent-type", name: sender.type }
    : { kind: "worker", name: from.clientId };
}
