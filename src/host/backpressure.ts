import type { TopicId } from "../core/topic-id.ts";
import { FullQueuePolicies } from "./full-queue-policies.ts";
import type { Session } from "./session.ts";

/** How full an outbox is, as a share of its limits, when its publishers begin to be held back. */
export const HOLD_ABOVE = 0.5;
/** How empty it has to be again before they go on. */
export const RELEASE_BELOW = 0.25;

interface Hold {
  readonly sinceMs: number;
  readonly receivers: readonly Session[];
  readonly unwatch: readonly (() => void)[];
}

/**
 * Slows a publisher down to what its receivers take, by not reading from its stream for a while:
 * AutoGen's protocol has no flow control of its own, but HTTP/2 carries this back to the sender.
 *
 * A publisher is held only while every receiver of its message is crowded, so that a slow worker
 * never slows the others; and only for a bounded time, after which the receivers count as slow and
 * lose messages instead, until they have caught up.
 */
export class Backpressure {
  readonly #maxHoldMs: number;
  readonly #now: () => number;
  readonly #policies: FullQueuePolicies;
  readonly #holds = new Map<Session, Hold>();

  /** @param maxHoldMs 0 never holds anybody back */
  constructor(
    maxHoldMs: number,
    now: () => number = Date.now,
    policies: FullQueuePolicies = new FullQueuePolicies(),
  ) {
    this.#maxHoldMs = maxHoldMs;
    this.#now = now;
    this.#policies = policies;
  }

  /** To be called when a message of the publisher was given to the receivers. */
  consider(publisher: Session, receivers: readonly Session[], { type }: TopicId): void {
    const isHeld =
      this.#maxHoldMs > 0 &&
      areCrowded(receivers) &&
      !this.#holds.has(publisher) &&
      this.#policies.of(type) === "block";
    if (isHeld) {
      this.#hold(publisher, receivers);
    }
  }

  /** Lets go of the publishers that were held for too long. To be called often. */
  releaseOverdue(): void {
    const nowMs = this.#now();
    for (const [publisher, hold] of [...this.#holds]) {
      if (nowMs - hold.sinceMs >= this.#maxHoldMs) {
        this.#release(publisher);
        for (const receiver of hold.receivers) {
          markSlow(receiver);
        }
      }
    }
  }

  /** Forgets a worker that left. Those who waited for it go on, since its outbox is closed. */
  forget(session: Session): void {
    this.#release(session);
  }

  #hold(publisher: Session, receivers: readonly Session[]): void {
    const release = (): void => this.#release(publisher);
    const crowded = receivers.filter((receiver) => !receiver.isSlow);
    publisher.pause();
    this.#holds.set(publisher, {
      sinceMs: this.#now(),
      receivers: crowded,
      unwatch: crowded.map((receiver) => receiver.outbox.watchRelief(RELEASE_BELOW, release)),
    });
  }

  #release(publisher: Session): void {
    const hold = this.#holds.get(publisher);
    if (hold === undefined) {
      return;
    }
    this.#holds.delete(publisher);
    for (const unwatch of hold.unwatch) {
      unwatch();
    }
    publisher.resume();
  }
}

/** True when there is a receiver that counts, and all that count are crowded. */
function areCrowded(receivers: readonly Session[]): boolean {
  let isAny = false;
  for (const receiver of receivers) {
    if (receiver.isSlow) {
      continue;
    }
    if (receiver.outbox.fullness <= HOLD_ABOVE) {
      return false;
    }
    isAny = true;
  }
  return isAny;
}

function markSlow(receiver: Session): void {
  if (receiver.outbox.fullness < RELEASE_BELOW) {
    return;
  }
  receiver.isSlow = true;
  const unwatch = receiver.outbox.watchRelief(RELEASE_BELOW, () => {
    receiver.isSlow = false;
    unwatch();
  });
}
