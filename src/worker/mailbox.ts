import { getLogger } from "@logtape/logtape";
import type { DropReason } from "../core/full-queue.ts";
import { PrioritizedQueue, type QueueLimits } from "../core/prioritized-queue.ts";
import type { Priority } from "../core/priority.ts";
import { YieldingItems } from "../core/yielding-items.ts";

/** Items that end at once, taken before other mailboxes have a turn. */
const MAX_IN_A_ROW = 64;

const logger = getLogger(["agentrt", "worker"]);

/**
 * Which event is lost when a mailbox is full: the oldest one that is not more urgent than the
 * arriving one, or the arriving one. A call that is lost so ends: its caller gets an error.
 */
export type MailboxFullPolicy = "drop-oldest" | "drop-newest";

/** Shares of its limits. */
const CROWDED_FROM = 0.5;
const RELIEVED_BELOW = 0.25;

export interface MailboxItem {
  /** What it counts against the mailbox's limit. */
  readonly bytes: number;
  readonly priority: Priority;
  /** True when it may push out older ones on arrival: an event, not a call, which can be refused instead. */
  readonly canPushOut: boolean;
}

export interface MailboxOptions<T> {
  readonly limits: QueueLimits;
  readonly policy: MailboxFullPolicy;
  /** Items handled at a time; each further one waits. Default: 1. */
  readonly concurrency?: number;
  /** Handles one item; undefined when that has ended already. Must neither throw nor reject. */
  readonly handle: (item: T) => Promise<unknown> | undefined;
  /**
   * Told of every item that was accepted before, or offered now, and will not be handled; with the reason when
   * it was one that makes way.
   */
  readonly onDropped: (item: T, reason?: DropReason) => void;
  /** Told each time when nothing waits and nothing is handled any more. */
  readonly onIdle?: () => void;
}

/** The bounded, prioritised inbox of one agent instance: the urgent ones first, by default one at a time. */
export class Mailbox<T extends MailboxItem> {
  readonly #options: MailboxOptions<T>;
  readonly #queue: PrioritizedQueue<T>;
  readonly #concurrency: number;
  /** Made when the first of them comes. */
  #yielding: YieldingItems<T> | undefined;
  /** Loops that take items, each busy with one at the most. */
  #takers = 0;
  #hold: Promise<void> | undefined;
  #onRelief: (() => void) | undefined;

  constructor(options: MailboxOptions<T>) {
    this.#options = options;
    this.#queue = new PrioritizedQueue<T>(options.limits);
    this.#concurrency = options.concurrency ?? 1;
  }

  /** Waiting, those being handled not counted. */
  get length(): number {
    return this.#queue.length;
  }

  get isIdle(): boolean {
    return this.#takers === 0 && this.#queue.length === 0;
  }

  /** True when an item that is offered now would be handled at once. */
  get isFree(): boolean {
    return this.isIdle && this.#hold === undefined;
  }

  /** From now on it is busy with items that are handled without a place in it. */
  enter(): void {
    this.#takers += 1;
  }

  /** Ends what {@link enter} began; what came meanwhile has its turn, after `pending` when there is one. */
  leave(pending: Promise<unknown> | undefined): void {
    if (pending === undefined) {
      this.#take();
    } else {
      pending.then(this.#take, this.#takeAfterError);
    }
  }

  /**
   * True when it is so full that publishers should be slowed down; what is left is for urgent messages and calls.
   * What makes way for others does not count.
   */
  get isCrowded(): boolean {
    const { maxMessages, maxBytes } = this.#options.limits;
    return (
      this.#firmMessages >= maxMessages * CROWDED_FROM || this.#firmBytes >= maxBytes * CROWDED_FROM
    );
  }

  get #firmMessages(): number {
    return this.#queue.length - (this.#yielding?.messages ?? 0);
  }

  get #firmBytes(): number {
    return this.#queue.bytes - (this.#yielding?.bytes ?? 0);
  }

  /** Calls `listener` once when it is empty enough again. One listener at a time. */
  onRelief(listener: () => void): void {
    this.#onRelief = listener;
  }

  /** Takes an item, or lets one go by policy; each item ends in `handle` or `onDropped`, once. */
  offer(item: T): void {
    if (!this.#queue.push(item, item.bytes, item.priority) && !this.#pushByDropping(item)) {
      this.#options.onDropped(item);
      return;
    }
    this.#callTaker();
  }

  /**
   * As `offer`, for an item that makes way for others while it waits, whatever the policy is.
   * @param key of those with the same key only the newest waits, in the place of the first
   */
  offerYielding(item: T, key: string | undefined): void {
    const { bytes, priority } = item;
    this.#yielding ??= new YieldingItems(this.#queue);
    const dropped = this.#yielding.offer({ item, bytes, priority, messages: 1, key });
    if (this.#queue.length > 0) {
      this.#callTaker();
    }
    for (const one of dropped) {
      this.#options.onDropped(one.item, one.reason);
    }
  }

  #callTaker(): void {
    if (this.#takers < this.#concurrency) {
      this.#takers += 1;
      // Messages that came off the wire in one turn are ordered by priority before the first is taken.
      queueMicrotask(this.#take);
    }
  }

  /** Hands out nothing more until the promise has ended; a later hold takes the place of an earlier one. */
  hold(until: Promise<void>): void {
    const hold = until
      .catch((error: unknown) => {
        logger.error("a mailbox was held by a promise that rejected", { error });
      })
      .then(() => {
        if (this.#hold === hold) {
          this.#hold = undefined;
        }
      });
    this.#hold = hold;
  }

  /** Drops everything that waits; what is being handled goes on. */
  clear(): void {
    this.#yielding = undefined;
    for (const item of this.#queue.drain()) {
      this.#options.onDropped(item);
    }
  }

  /** What makes way goes first, the least urgent before the others: it may be lost, and the item may not. */
  #pushByDropping(item: T): boolean {
    const { limits, policy, onDropped } = this.#options;
    const canPushOut = policy === "drop-oldest" && item.canPushOut;
    if (item.bytes > limits.maxBytes || !(canPushOut || this.#canMakeWayFor(item))) {
      return false;
    }
    while (!this.#queue.hasRoomFor(item.bytes)) {
      const yielded = this.#yielding?.dropOldest("high");
      const oldest = yielded ?? (canPushOut ? this.#queue.dropOldest(item.priority) : undefined);
      if (oldest === undefined) {
        return false;
      }
      onDropped(oldest, yielded === undefined ? undefined : "oldest");
    }
    return this.#queue.push(item, item.bytes, item.priority);
  }

  #canMakeWayFor({ bytes }: T): boolean {
    const { maxMessages, maxBytes } = this.#options.limits;
    return (
      this.#yielding !== undefined &&
      this.#firmMessages < maxMessages &&
      this.#firmBytes + bytes <= maxBytes
    );
  }

  #tellIfRelieved(): void {
    const { maxMessages, maxBytes } = this.#options.limits;
    if (
      this.#firmMessages < maxMessages * RELIEVED_BELOW &&
      this.#firmBytes < maxBytes * RELIEVED_BELOW
    ) {
      const listener = this.#onRelief;
      this.#onRelief = undefined;
      listener?.();
    }
  }

  /** Made once, because each turn of a taker needs it. */
  readonly #take = (): void => {
    for (let left = MAX_IN_A_ROW; left > 0; left -= 1) {
      const item = this.#next();
      if (item === undefined) {
        return;
      }
      const handling = item === "held" ? this.#hold : this.#handle(item);
      if (handling !== undefined) {
        handling.then(this.#take, this.#takeAfterError);
        return;
      }
    }
    queueMicrotask(this.#take);
  };

  readonly #takeAfterError = (error: unknown): void => {
    logger.error("a mailbox's handle function failed, which it must not", { error });
    this.#take();
  };

  #handle(item: T): Promise<unknown> | undefined {
    try {
      return this.#options.handle(item);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Ends the taker in the same turn in which it sees that nothing waits, so that no offer is missed. */
  #next(): T | "held" | undefined {
    if (this.#hold !== undefined) {
      return "held";
    }
    const item = this.#queue.shift();
    if (this.#yielding !== undefined && item !== undefined) {
      this.#yielding.taken(item, item.priority);
    }
    if (this.#onRelief !== undefined) {
      this.#tellIfRelieved();
    }
    if (item === undefined) {
      this.#takers -= 1;
      if (this.#takers === 0) {
        this.#options.onIdle?.();
      }
    }
    return item;
  }
}
