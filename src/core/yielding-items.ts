import type { DropReason } from "./full-queue.ts";
import type { PrioritizedQueue, Queued } from "./prioritized-queue.ts";
import { PRIORITIES, type Priority } from "./priority.ts";

export interface Dropped<T> {
  readonly item: T;
  readonly reason: DropReason;
}

export interface Yielding<T> {
  readonly item: T;
  readonly bytes: number;
  readonly priority: Priority;
  readonly messages: number;
  /** Of the items with the same key only the newest waits; undefined: it stands for itself. */
  readonly key: string | undefined;
}

/**
 * The items of a queue that make way when there is no room: the oldest goes first, and a newer one takes
 * the place of one with its key. They share the queue with items that do not, and keep their order.
 */
export class YieldingItems<T extends object> {
  readonly #queue: PrioritizedQueue<T>;
  /** The oldest first; with the keys. */
  readonly #lanes: Readonly<Record<Priority, Map<T, Waiting<T>>>> = {
    high: new Map(),
    normal: new Map(),
    low: new Map(),
  };
  readonly #latest = new Map<string, Waiting<T>>();
  #messages = 0;
  #bytes = 0;

  constructor(queue: PrioritizedQueue<T>) {
    this.#queue = queue;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Puts an item into the queue. Returns what had to go: older ones of its own kind that are not more
   * urgent, or the item itself when there are none.
   */
  offer(one: Yielding<T>): readonly Dropped<T>[] {
    const dropped: Dropped<T>[] = [];
    const before = one.key === undefined ? undefined : this.#latest.get(one.key);
    if (before !== undefined && before.queued.priority === one.priority) {
      this.#replace(before, one, dropped);
      return dropped;
    }
    if (before !== undefined) {
      this.#supersede(before, dropped);
    }
    if (this.#makeRoom(() => this.#queue.hasRoomFor(one.bytes), one.priority, dropped)) {
      this.#add(one);
    } else {
      dropped.push({ item: one.item, reason: "oldest" });
    }
    return dropped;
  }

  /** Takes out the oldest of the least urgent that are not more urgent than `priority`. */
  dropOldest(priority: Priority): T | undefined {
    return this.#dropOldest(priority, undefined);
  }

  /** To be called for each item that is taken from the queue. */
  taken(item: T, priority: Priority): void {
    const waiting = this.#lanes[priority].get(item);
    if (waiting !== undefined) {
      this.#forget(waiting, item);
    }
  }

  #dropOldest(priority: Priority, but: Waiting<T> | undefined): T | undefined {
    const mostUrgent = PRIORITIES.indexOf(priority);
    for (const lane of PRIORITIES.slice(mostUrgent).reverse()) {
      for (const [item, waiting] of this.#lanes[lane]) {
        if (waiting !== but) {
          this.#queue.remove(waiting.queued);
          this.#forget(waiting, item);
          return item;
        }
      }
    }
    return undefined;
  }

  #add({ item, bytes, priority, messages, key }: Yielding<T>): void {
    const queued = this.#queue.pushAnyway(item, bytes, priority, messages);
    const waiting: Waiting<T> = { queued, key, bytes, messages };
    this.#lanes[priority].set(item, waiting);
    if (key !== undefined) {
      this.#latest.set(key, waiting);
    }
    this.#messages += messages;
    this.#bytes += bytes;
  }

  /** In the place of the older one, so that a key that changes often has its turn as others have. */
  #replace(before: Waiting<T>, one: Yielding<T>, dropped: Dropped<T>[]): void {
    const { item, bytes, priority, messages } = one;
    const old = before.queued.item;
    const { maxBytes } = this.#queue.limits;
    const growth = bytes - before.bytes;
    const fits = (): boolean =>
      growth <= 0 ||
      this.#queue.length === before.messages ||
      this.#queue.bytes + growth <= maxBytes;
    if (old === undefined || !this.#makeRoom(fits, priority, dropped, before)) {
      dropped.push({ item, reason: "oldest" });
      return;
    }
    this.#queue.replace(before.queued, item, bytes, messages);
    this.#messages += messages - before.messages;
    this.#bytes += growth;
    before.bytes = bytes;
    before.messages = messages;
    // It is as new as its message is, when the oldest is looked for.
    this.#lanes[priority].delete(old);
    this.#lanes[priority].set(item, before);
    dropped.push({ item: old, reason: "superseded" });
  }

  #supersede(waiting: Waiting<T>, dropped: Dropped<T>[]): void {
    const item = this.#queue.remove(waiting.queued);
    if (item !== undefined) {
      this.#forget(waiting, item);
      dropped.push({ item, reason: "superseded" });
    }
  }

  #makeRoom(
    hasRoom: () => boolean,
    priority: Priority,
    dropped: Dropped<T>[],
    but?: Waiting<T>,
  ): boolean {
    while (!hasRoom()) {
      const item = this.#dropOldest(priority, but);
      if (item === undefined) {
        return false;
      }
      dropped.push({ item, reason: "oldest" });
    }
    return true;
  }

  #forget(waiting: Waiting<T>, item: T): void {
    this.#lanes[waiting.queued.priority].delete(item);
    if (waiting.key !== undefined && this.#latest.get(waiting.key) === waiting) {
      this.#latest.delete(waiting.key);
    }
    this.#messages -= waiting.messages;
    this.#bytes -= waiting.bytes;
  }
}

interface Waiting<T> {
  readonly queued: Queued<T>;
  readonly key: string | undefined;
  bytes: number;
  messages: number;
}
