import type { EventEnvelope } from "../core/envelope.ts";
import { retainedSlotOf, retainWishOf } from "../core/retained-slot.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TopicId } from "../core/topic-id.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";

export interface RetainedLimits {
  /** Topics (`type` or `type/source`) whose events are all kept, whatever their publishers say. */
  readonly retain: readonly string[];
  readonly retainMaxAgeMs: number;
  readonly retainOwnerGraceMs: number;
  readonly retainMaxValues: number;
  readonly retainMaxBytes: number;
}

/** Who a value belongs to: the agent type that published it, or the worker when no agent did. */
export type RetainOwner =
  | { readonly kind: "agent-type"; readonly name: string }
  | { readonly kind: "worker"; readonly name: string };

export interface RetainedValue {
  readonly event: EventEnvelope;
  readonly keptAtMs: number;
  readonly bytes: number;
  readonly owner: RetainOwner;
  /** The worker that published it, which may hand it in again. */
  readonly clientId: string;
}

/** What an event did to the kept values. */
export interface Superseded {
  /** The one that is not the last any more. */
  readonly event: EventEnvelope;
  /** The worker that had published it. */
  readonly clientId: string;
}

/**
 * The last value of each retained topic (type, source, and key if it has one), which a new subscriber gets at once.
 * Values go when they are too old, when their owner has been away for too long, when their topic is
 * cleared, and, the oldest first, when there are too many.
 */
export class RetainedValues {
  readonly #limits: RetainedLimits;
  readonly #always: ReadonlySet<string>;
  readonly #now: () => number;
  /** By slot, the least recently published first. */
  readonly #values = new Map<string, RetainedValue>();
  readonly #byType = new Map<string, Set<string>>();
  /** Since when the owners that are away are so. */
  readonly #awaySinceMs = new Map<string, number>();
  #bytes = 0;
  #dropped = 0;
  /** False when a value was kept that is older than one before it in the map. */
  #isInOrder = true;

  constructor(limits: RetainedLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#always = new Set(limits.retain);
    this.#now = now;
  }

  get size(): number {
    return this.#values.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Values that went because there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Keeps or clears, as the event's header or the host's settings say; most events concern it not at all.
   * Returns the value in its place, if another worker had published that.
   */
  consider(event: EventEnvelope, owner: RetainOwner, clientId: string): Superseded | undefined {
    const wish = this.#wishOf(event);
    if (wish === undefined) {
      return undefined;
    }
    const slot = retainedSlotOf(event);
    const before = this.#values.get(slot);
    this.#forget(slot);
    if (wish === "keep") {
      this.#keep(slot, { event, owner, clientId, keptAtMs: this.#now() });
    }
    return before === undefined || before.clientId === clientId ? undefined : before;
  }

  /**
   * Keeps a value that its worker hands in again, unless it is known, a newer one is there, or it is
   * too old. True when it was kept.
   */
  takeIn(event: EventEnvelope, owner: RetainOwner, clientId: string, ageMs: number): boolean {
    if (this.#wishOf(event) !== "keep" || ageMs >= this.#limits.retainMaxAgeMs) {
      return false;
    }
    const slot = retainedSlotOf(event);
    const keptAtMs = this.#now() - ageMs;
    const present = this.#values.get(slot);
    if (present !== undefined && (present.event.id === event.id || present.keptAtMs >= keptAtMs)) {
      return false;
    }
    this.#forget(slot);
    this.#isInOrder = false;
    this.#keep(slot, { event, owner, clientId, keptAtMs });
    return this.#values.has(slot);
  }

  /** The values that a subscription matches, with their ages in milliseconds. */
  *matching(subscription: Subscription): Generator<{ event: EventEnvelope; ageMs: number }> {
    const types =
      subscription.kind === "type"
        ? [subscription.topicType]
        : [...this.#byType.keys()].filter((type) => type.startsWith(subscription.topicTypePrefix));
    const nowMs = this.#now();
    for (const type of types) {
      for (const name of this.#byType.get(type) ?? []) {
        const value = this.#values.get(name);
        const ageMs = value === undefined ? 0 : nowMs - value.keptAtMs;
        if (value !== undefined && ageMs < this.#limits.retainMaxAgeMs) {
          yield { event: value.event, ageMs };
        }
      }
    }
  }

  /** Lets go of what is too old or has no owner any more. To be called now and then. */
  sweep(isPresent: (owner: RetainOwner) => boolean): void {
    const { retainMaxAgeMs, retainOwnerGraceMs } = this.#limits;
    const nowMs = this.#now();
    const stillAway = new Set<string>();
    for (const [name, { owner, keptAtMs }] of [...this.#values]) {
      if (nowMs - keptAtMs >= retainMaxAgeMs) {
        this.#forget(name);
        continue;
      }
      if (isPresent(owner)) {
        continue;
      }
      const key = `${owner.kind} ${owner.name}`;
      const sinceMs = this.#awaySinceMs.get(key) ?? nowMs;
      if (nowMs - sinceMs >= retainOwnerGraceMs) {
        this.#forget(name);
      } else {
        this.#awaySinceMs.set(key, sinceMs);
        stillAway.add(key);
      }
    }
    for (const key of this.#awaySinceMs.keys()) {
      if (!stillAway.has(key)) {
        this.#awaySinceMs.delete(key);
      }
    }
  }

  #wishOf(event: EventEnvelope): "keep" | "forget" | undefined {
    const wish = retainWishOf(event);
    if (wish !== undefined || !this.isAlwaysKept(event.topic)) {
      return wish;
    }
    return event.payload.data.byteLength === 0 ? "forget" : "keep";
  }

  /** True when every event of the topic is kept, whatever its publisher says. */
  isAlwaysKept(topic: TopicId): boolean {
    return (
      this.#always.size > 0 && (this.#always.has(topic.type) || this.#always.has(String(topic)))
    );
  }

  #keep(slot: string, value: Omit<RetainedValue, "bytes">): void {
    const { retainMaxValues, retainMaxBytes } = this.#limits;
    const { event } = value;
    const bytes = (event.wireForm?.bytes ?? encodeMessage(event)).byteLength + slot.length;
    if (bytes > retainMaxBytes) {
      this.#dropped += 1;
      return;
    }
    this.#values.set(slot, { ...value, bytes });
    this.#bytes += bytes;
    const names = this.#byType.get(event.topic.type) ?? new Set();
    this.#byType.set(event.topic.type, names.add(slot));
    if (this.#values.size > retainMaxValues || this.#bytes > retainMaxBytes) {
      this.#dropOldest();
    }
  }

  #dropOldest(): void {
    const { retainMaxValues, retainMaxBytes } = this.#limits;
    this.#order();
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= retainMaxValues && this.#bytes <= retainMaxBytes) {
        break;
      }
      this.#forget(oldest);
      this.#dropped += 1;
    }
  }

  /** Values come in out of order only when workers hand theirs in, so this is seldom to be done. */
  #order(): void {
    if (this.#isInOrder) {
      return;
    }
    const byAge = [...this.#values].sort(([, a], [, b]) => a.keptAtMs - b.keptAtMs);
    this.#values.clear();
    for (const [slot, value] of byAge) {
      this.#values.set(slot, value);
    }
    this.#isInOrder = true;
  }

  #forget(name: string): void {
    const value = this.#values.get(name);
    if (value === undefined) {
      return;
    }
    this.#values.delete(name);
    this.#bytes -= value.bytes;
    const { type } = value.event.topic;
    const names = this.#byType.get(type);
    names?.delete(name);
    if (names?.size === 0) {
      this.#byType.delete(type);
    }
  }
}
