import { type Envelope, type EventEnvelope, sizeOf, withHeaders } from "../core/envelope.ts";
import { retainedSlotOf, retainWishOf } from "../core/retained-slot.ts";
import { AGE_HEADER, NO_RECEIVERS, RECEIVERS_HEADER } from "../core/routing-headers.ts";

export interface OwnRetainedLimits {
  /** 0 remembers nothing. */
  readonly retainMaxValues: number;
  readonly retainMaxBytes: number;
}

interface OwnValue {
  readonly event: EventEnvelope;
  readonly publishedAtMs: number;
  readonly bytes: number;
}

/**
 * The last values that this worker has published with `retain`, to be handed in again to a host that
 * does not have them: one that was started anew, or forgot this worker. Beyond the limits the oldest go.
 */
export class OwnRetainedValues {
  readonly #limits: OwnRetainedLimits;
  readonly #now: () => number;
  /** By slot, the least recently published first. */
  readonly #values = new Map<string, OwnValue>();
  #bytes = 0;

  /** @param now milliseconds since 1970 */
  constructor(limits: OwnRetainedLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#values.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes note of what was handed to the connection; most of it does not matter here. */
  note(envelope: Envelope): void {
    if (envelope.kind !== "event" || envelope.headers[AGE_HEADER] !== undefined) {
      return;
    }
    const wish = retainWishOf(envelope);
    if (wish === undefined) {
      return;
    }
    const slot = retainedSlotOf(envelope);
    this.#remove(slot);
    if (wish === "keep") {
      this.#keep(slot, envelope);
    }
  }

  /**
   * True when the event is for no agent but the host's word to this worker that another one has
   * published or cleared what this one had published last, which is forgotten then.
   */
  isOutdatedBy(event: EventEnvelope): boolean {
    if (event.headers[RECEIVERS_HEADER] !== NO_RECEIVERS) {
      return false;
    }
    const slot = retainedSlotOf(event);
    if (this.#values.get(slot)?.event.id === event.id) {
      this.#remove(slot);
    }
    return true;
  }

  /**
   * The values of now, each as the event to hand in: with its age at the moment when it is asked for.
   * One that was published anew or forgotten meanwhile is left out.
   */
  toHandIn(): Iterable<EventEnvelope> {
    return this.#withAges([...this.#values]);
  }

  *#withAges(values: readonly (readonly [string, OwnValue])[]): Generator<EventEnvelope> {
    for (const [slot, value] of values) {
      if (this.#values.get(slot) === value) {
        const { event, publishedAtMs } = value;
        const ageMs = Math.max(0, Math.round(this.#now() - publishedAtMs));
        yield withHeaders(event, { ...event.headers, [AGE_HEADER]: String(ageMs) });
      }
    }
  }

  #keep(slot: string, event: EventEnvelope): void {
    const { retainMaxValues, retainMaxBytes } = this.#limits;
    const bytes = sizeOf(event) + slot.length;
    if (bytes > retainMaxBytes) {
      return;
    }
    this.#values.set(slot, { event, publishedAtMs: this.#now(), bytes });
    this.#bytes += bytes;
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= retainMaxValues && this.#bytes <= retainMaxBytes) {
        break;
      }
      this.#remove(oldest);
    }
  }

  #remove(slot: string): void {
    const value = this.#values.get(slot);
    if (value !== undefined) {
      this.#values.delete(slot);
      this.#bytes -= value.bytes;
    }
  }
}
