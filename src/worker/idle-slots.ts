import type { AgentSlot } from "./agent-slot.ts";

/** Room is made for each message of a new key, so looking for it has to end soon. */
const MAX_LOOKS = 16;

/** The instances of one type that have nothing to do, longest idle first. */
export class IdleSlots {
  readonly #idleTimeoutMs: number;
  readonly #onExpired: (slot: AgentSlot) => void;
  /** When each became idle, in milliseconds of the monotonic clock; a Map keeps the order. */
  readonly #since = new Map<AgentSlot, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onExpired told of each slot that was idle for the time; the slot is not in the list any more */
  constructor(idleTimeoutMs: number, onExpired: (slot: AgentSlot) => void) {
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onExpired = onExpired;
  }

  add(slot: AgentSlot): void {
    this.#since.delete(slot);
    this.#since.set(slot, performance.now());
    this.#schedule();
  }

  remove(slot: AgentSlot): void {
    this.#since.delete(slot);
  }

  /** The slot that is idle longest and may be put away, of the first few. Those that may not begin their time again. */
  oldest(): AgentSlot | undefined {
    for (let left = Math.min(MAX_LOOKS, this.#since.size); left > 0; left -= 1) {
      const [slot] = this.#since.keys();
      if (slot === undefined || slot.canBePutAway) {
        return slot;
      }
      this.add(slot);
    }
    return undefined;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#since.clear();
  }

  #schedule(): void {
    const [first] = this.#since.values();
    if (this.#timer !== undefined || first === undefined) {
      return;
    }
    const inMs = Math.max(1, Math.ceil(first + this.#idleTimeoutMs - performance.now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#expire();
      this.#schedule();
    }, inMs);
  }

  #expire(): void {
    const before = performance.now() - this.#idleTimeoutMs;
    for (const [slot, since] of [...this.#since]) {
      if (since > before) {
        return;
      }
      this.#since.delete(slot);
      this.#onExpired(slot);
    }
  }
}
