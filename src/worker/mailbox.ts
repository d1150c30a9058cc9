import { getLogger } from "@logtape/logtape";
import { PrioritizedQueue, type QueueLimits } from "../core/prioritized-queue.ts";
import type { Priority } from "../core/priority.ts";

const logger = getLogger(["agentrt", "worker"]);

/**
 * Which event is lost when a mailbox is full: the oldest one that is not more urgent than the
 * arriving one, or the arriving one. A call that is lost so ends: its caller gets an error.
 */
export type MailboxFullPolicy = "drop-oldest" | "drop-newest";

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
  /** Handles one item; the next one waits for it. Must not reject. */
  readonly handle: (item: T) => Promise<void>;
  /** Told of every item that was accepted before, or offered now, and will not be handled. */
  readonly onDropped: (item: T) => void;
}

/** The bounded, prioritised inbox of one agent instance: one message at a time, the urgent ones first. */
export class Mailbox<T extends MailboxItem> {
  readonly #options: MailboxOptions<T>;
  readonly #queue: PrioritizedQueue<T>;
  #isHandling = false;

  constructor(options: MailboxOptions<T>) {
    this.#options = options;
    this.#queue = new PrioritizedQueue<T>(options.limits);
  }

  /** Waiting, the one being handled not counted. */
  get length(): number {
    return this.#queue.length;
  }

  get isIdle(): boolean {
    return !this.#isHandling && this.#queue.length === 0;
  }

  /** Takes an item, or lets one go by policy; each item ends in `handle` or `onDropped`, once. */
  offer(item: T): void {
    if (!this.#queue.push(item, item.bytes, item.priority) && !this.#pushByDropping(item)) {
      this.#options.onDropped(item);
      return;
    }
    if (!this.#isHandling) {
      this.#isHandling = true;
      void this.#handleAll();
    }
  }

  /** Drops everything that waits; what is being handled goes on. */
  clear(): void {
    for (const item of this.#queue.drain()) {
      this.#options.onDropped(item);
    }
  }

  #pushByDropping(item: T): boolean {
    const isTooLarge = item.bytes > this.#options.limits.maxBytes;
    if (this.#options.policy !== "drop-oldest" || !item.canPushOut || isTooLarge) {
      return false;
    }
    while (!this.#queue.hasRoomFor(item.bytes)) {
      const oldest = this.#queue.dropOldest(item.priority);
      if (oldest === undefined) {
        return false;
      }
      this.#options.onDropped(oldest);
    }
    return this.#queue.push(item, item.bytes, item.priority);
  }

  async #handleAll(): Promise<void> {
    // Messages that came off the wire in one turn are ordered by priority before the first is taken.
    await Promise.resolve();
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      try {
        await this.#options.handle(item);
      } catch (error) {
        logger.error("a mailbox's handle function rejected, which it must not", { error });
      }
    }
    this.#isHandling = false;
  }
}
