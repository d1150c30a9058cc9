import { PRIORITIES, type Priority } from "./priority.ts";

/**
 * How often a lower lane gets its turn although a higher one has work: after so many
 * takes in a row from above. High goes first, and nothing starves.
 */
export const TURNS_BEFORE_LOWER = { high: 32, normal: 8 } as const;

export interface QueueLimits {
  /** The most items held at once. */
  readonly maxMessages: number;
  /** The most bytes held at once, as counted by the `bytes` given to `push`. */
  readonly maxBytes: number;
}

/** An item in the queue; what `pushAnyway` returns names it to `remove` and `replace`. */
export interface Queued<T> {
  /** Undefined once it has left. */
  readonly item: T | undefined;
  readonly bytes: number;
  readonly messages: number;
  readonly priority: Priority;
}

interface Entry<T> extends Queued<T> {
  item: T | undefined;
  bytes: number;
  messages: number;
  readonly isKept: boolean;
}

/** Fewer gaps than this are no matter. */
const MAX_GAPS = 1_024;

/** First in, first out; taking does not move the rest, so both ends are constant time. */
class Lane<T> {
  #entries: (Entry<T> | undefined)[] = [];
  #head = 0;
  #length = 0;
  /** Nothing before this index may be dropped, so that looking for the oldest that may costs nothing twice. */
  #firstDroppable = 0;

  get length(): number {
    return this.#length;
  }

  push(entry: Entry<T>): void {
    this.#entries.push(entry);
    this.#length += 1;
  }

  shift(): Entry<T> | undefined {
    while (this.#head < this.#entries.length) {
      const entry = this.#entries[this.#head];
      this.#entries[this.#head] = undefined;
      this.#head += 1;
      if (entry?.item !== undefined) {
        this.#length -= 1;
        this.#compact();
        return entry;
      }
    }
    return undefined;
  }

  /** Takes out the oldest entry that is not kept. */
  dropOldest(): Entry<T> | undefined {
    for (let index = Math.max(this.#head, this.#firstDroppable); ; index += 1) {
      if (index >= this.#entries.length) {
        this.#firstDroppable = index;
        return undefined;
      }
      const entry = this.#entries[index];
      if (entry?.item !== undefined && !entry.isKept) {
        this.#entries[index] = undefined;
        this.#firstDroppable = index + 1;
        this.gone();
        return entry;
      }
    }
  }

  /** One of the entries has gone from the midst, and leaves a gap, of which there are never many more than entries. */
  gone(): void {
    this.#length -= 1;
    if (this.#entries.length - this.#head > MAX_GAPS + 2 * this.#length) {
      this.#entries = this.#entries.slice(this.#head).filter((one) => one?.item !== undefined);
      this.#head = 0;
      this.#firstDroppable = 0;
    }
  }

  #compact(): void {
    if (this.#length === 0) {
      this.#entries = [];
      this.#head = 0;
      this.#firstDroppable = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#firstDroppable = Math.max(0, this.#firstDroppable - this.#head);
      this.#head = 0;
    }
  }
}

/**
 * A queue with one lane for each priority, bounded in messages and bytes: the shape of
 * every outbox and mailbox. It never grows beyond its limits by itself; what to do when
 * it is full is its owner's policy.
 */
export class PrioritizedQueue<T extends NonNullable<unknown>> {
  readonly limits: QueueLimits;
  readonly #lanes: Readonly<Record<Priority, Lane<T>>> = {
    high: new Lane<T>(),
    normal: new Lane<T>(),
    low: new Lane<T>(),
  };
  #length = 0;
  #bytes = 0;
  #highInARow = 0;
  #normalInARow = 0;

  constructor(limits: QueueLimits) {
    this.limits = limits;
  }

  /** Messages, which may be more than items. */
  get length(): number {
    return this.#length;
  }

  /** Items of one level. */
  countOf(priority: Priority): number {
    return this.#lanes[priority].length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when one more item of this size fits. An item larger than `maxBytes` fits only an empty queue. */
  hasRoomFor(bytes: number): boolean {
    if (this.#length === 0) {
      return this.limits.maxMessages > 0;
    }
    return this.#length < this.limits.maxMessages && this.#bytes + bytes <= this.limits.maxBytes;
  }

  /**
   * Returns false, and takes nothing, when there is no room.
   * @param isKept true for an item that `dropOldest` must not take
   * @param messages how many the item counts for; the last one to fit may go over the limit
   */
  push(item: T, bytes: number, priority: Priority, isKept = false, messages = 1): boolean {
    if (!this.hasRoomFor(bytes)) {
      return false;
    }
    this.#add({ item, bytes, isKept, messages, priority });
    return true;
  }

  /** As `push`, though there may be no room: for what was given room before it became an item. */
  pushAnyway(item: T, bytes: number, priority: Priority, messages: number): Queued<T> {
    return this.#add({ item, bytes, isKept: false, messages, priority });
  }

  /** Takes an item out from wherever it is; undefined when it has left already. */
  remove(queued: Queued<T>): T | undefined {
    const { item } = queued;
    if (item === undefined) {
      return undefined;
    }
    this.#taken(queued as Entry<T>);
    this.#lanes[queued.priority].gone();
    return item;
  }

  /** Puts an item in the place of one that is still there, though there may be no room for a larger one. */
  replace(queued: Queued<T>, item: T, bytes: number, messages: number): void {
    const entry = queued as Entry<T>;
    this.#length += messages - entry.messages;
    this.#bytes += bytes - entry.bytes;
    entry.item = item;
    entry.bytes = bytes;
    entry.messages = messages;
  }

  #add(entry: Entry<T>): Entry<T> {
    this.#lanes[entry.priority].push(entry);
    this.#length += entry.messages;
    this.#bytes += entry.bytes;
    return entry;
  }

  /** The next item by priority and turn, or undefined when empty. */
  shift(): T | undefined {
    const priority = this.#nextLane();
    return priority === undefined ? undefined : this.#take(priority);
  }

  /**
   * Removes the oldest item of the least urgent lane that is not more urgent than `priority`;
   * items that were pushed to be kept are passed over.
   */
  dropOldest(priority: Priority): T | undefined {
    const mostUrgent = PRIORITIES.indexOf(priority);
    for (let index = PRIORITIES.length - 1; index >= mostUrgent; index -= 1) {
      const lane = PRIORITIES[index];
      const entry = lane === undefined ? undefined : this.#lanes[lane].dropOldest();
      if (entry !== undefined) {
        return this.#taken(entry);
      }
    }
    return undefined;
  }

  /** Empties the queue, most urgent first. */
  *drain(): Generator<T> {
    for (const priority of PRIORITIES) {
      while (this.#lanes[priority].length > 0) {
        yield this.#take(priority) as T;
      }
    }
  }

  #nextLane(): Priority | undefined {
    const { high, normal, low } = this.#lanes;
    const isHighDue = high.length > 0;
    const isLowerWaiting = normal.length > 0 || low.length > 0;
    if (isHighDue && (!isLowerWaiting || this.#highInARow < TURNS_BEFORE_LOWER.high)) {
      this.#highInARow += 1;
      return "high";
    }
    this.#highInARow = 0;
    if (normal.length > 0 && (low.length === 0 || this.#normalInARow < TURNS_BEFORE_LOWER.normal)) {
      this.#normalInARow += 1;
      return "normal";
    }
    this.#normalInARow = 0;
    return low.length > 0 ? "low" : undefined;
  }

  #take(priority: Priority): T | undefined {
    const entry = this.#lanes[priority].shift();
    return entry === undefined ? undefined : this.#taken(entry);
  }

  #taken(entry: Entry<T>): T | undefined {
    const { item } = entry;
    this.#length -= entry.messages;
    this.#bytes -= entry.bytes;
    entry.item = undefined;
    return item;
  }
}
