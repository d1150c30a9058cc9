/**
 * What a full queue does with the messages of a topic:
 * - `block`: slows their publishers down, for as long as the host holds publishers back.
 * - `drop-oldest`: lets the oldest of them go, and never slows anybody down.
 * - `keep-latest`: keeps the newest for each key (see `retainedSlotOf`) of those that wait, whether it is full or not.
 */
export const FULL_QUEUE_POLICIES = ["block", "drop-oldest", "keep-latest"] as const;

export type FullQueuePolicy = (typeof FULL_QUEUE_POLICIES)[number];

export function isFullQueuePolicy(text: string): text is FullQueuePolicy {
  return FULL_QUEUE_POLICIES.some((policy) => policy === text);
}

/** True when the messages of a topic make way for others, rather than slow their publishers down. */
export function makesWay(policy: FullQueuePolicy | undefined): boolean {
  return policy !== undefined && policy !== "block";
}

/** Why an item has left a queue unhandled: it was the oldest when there was no room, or a newer one of its key came. */
export type DropReason = "oldest" | "superseded";
