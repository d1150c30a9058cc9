import type { EventEnvelope } from "../core/envelope.ts";
import { RETAIN_HEADER, RETAIN_KEY_HEADER } from "../core/routing-headers.ts";
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

  /** Keeps or clears, as the event's header or the host's settings say; most events concern it not at all. */
  consider(event: EventEnvelope, owner: RetainOwner): void {
    const header = event.headers[RETAIN_HEADER];
    if (header === "clear") {
      this.#forget(slotOf(event));
      return;
    }
    if (header !== "true" && !this.#isAlwaysKept(event.topic)) {
      return;
    }
    if (event.payload.data.byteLength === 0) {
      this.#forget(slotOf(event));
      return;
    }
    this.#keep(event, owner);
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

  #isAlwaysKept(topic: TopicId): boolean {
    return (
      this.#always.size > 0 && (this.#always.has(topic.type) || this.#always.has(String(topic)))
    );
  }

  #keep(event: EventEnvelope, owner: RetainOwner): void {
    const { retainMaxValues, retainMaxBytes } = this.#limits;
    const name = slotOf(event);
    const bytes = (event.wireForm?.bytes ?? encodeMessage(event)).byteLength + name.length;
    this.#forget(name);
    if (bytes > retainMaxBytes) {
      this.#dropped += 1;
      return;
    }
    for (const oldest of this.#values.keys()) {
      if (this.#values.size < retainMaxValues && this.#bytes + bytes <= retainMaxBytes) {
        break;
      }
      this.#forget(oldest);
      this.#dropped += 1;
    }
    this.#values.set(name, { event, keptAtMs: this.#now(), bytes, owner });
    this.#bytes += bytes;
    const names = this.#byType.get(event.topic.type) ?? new Set();
    this.#byType.set(event.topic.type, names.add(name));
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

/** Where a value is kept: one place for each topic, or for each key of it. */
function slotOf({ topic, headers }: EventEnvelope): string {
  const key = headers[RETAIN_KEY_HEADER];
  return key === undefined ? String(topic) : `${topic}\n${key}`;
}
