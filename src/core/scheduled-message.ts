import type { Headers, Payload } from "./envelope.ts";
import type { Recurrence } from "./recurrence.ts";
import type { TopicId } from "./topic-id.ts";

/** What becomes of the times that pass while no host runs: all of them together are published once, or none is. */
export type WhenMissed = "once" | "skip";

/** What a host shall publish again and again on a durable topic. */
export interface ScheduledMessage {
  readonly name: string;
  readonly topic: TopicId;
  readonly recurrence: Recurrence;
  readonly whenMissed: WhenMissed;
  readonly payload: Payload;
  readonly headers: Headers;
}
