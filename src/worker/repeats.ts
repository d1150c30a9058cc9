import type { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope } from "../core/envelope.ts";
import type { EventBatch } from "../core/event-batch.ts";
import { RETAIN_HEADER } from "../core/routing-headers.ts";
import type { Subscription } from "../core/subscription.ts";
import { NewestRecords } from "./newest-records.ts";
import { type EventIdentity, identityOf, RecentEvents } from "./recent-events.ts";
import { isKeptValue, SeenValues } from "./seen-values.ts";

/** Tells events that come again from those that are new, so that a handler gets each once. */
export class Repeats {
  readonly #recent: RecentEvents;
  readonly #values: SeenValues;
  readonly #newest = new NewestRecords();
  readonly #isOn: boolean;

  /** @param windowMs 0 takes nothing for a repetition */
  constructor(windowMs: number, maxEntries: number) {
    this.#isOn = windowMs > 0;
    this.#recent = new RecentEvents(windowMs, maxEntries);
    this.#values = new SeenValues(windowMs === 0 ? 0 : maxEntries);
  }

  /** Of the agents that an event is for, those that it is new to; they have had it from now on. */
  fresh(event: EventEnvelope, receivers: readonly AgentId[]): readonly AgentId[] {
    if (isKeptValue(event)) {
      const fresh = this.#values.newTo(event, typesOf(receivers));
      return receivers.filter(({ type }) => fresh.has(type));
    }
    if (this.#recent.isRepeated(identityOf(event))) {
      return [];
    }
    if (event.headers[RETAIN_HEADER] !== undefined) {
      this.#values.note(event, typesOf(receivers));
    }
    return receivers;
  }

  /**
   * True for a batch, named by `identity`, that came within the window, or comes behind later ones of its publisher;
   * else it is remembered from now on.
   */
  isRepeated(batch: EventBatch, identity: EventIdentity): boolean {
    return this.#recent.isRepeated(identity) || (this.#isOn && this.#newest.isOvertaken(batch));
  }

  /** Nobody could take the event, so it may come again. */
  forget(event: EventEnvelope): void {
    this.#recent.forget(identityOf(event));
    this.#values.drop(event);
  }

  /** An agent type subscribes, and gets what is kept. */
  subscribed(subscription: Subscription): void {
    this.#values.forget(subscription);
  }
}

function typesOf(receivers: readonly AgentId[]): readonly string[] {
  return receivers.map(({ type }) => type);
}
