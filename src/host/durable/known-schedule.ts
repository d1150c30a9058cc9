import type { Recurrence } from "../../core/recurrence.ts";
import type { WhenMissed } from "../../core/scheduled-message.ts";
import { TopicId } from "../../core/topic-id.ts";
import type { StoredSchedule } from "../../store/log/schedules.ts";
import type { ScheduleFacts } from "../../wire/durable-admin/schedules.ts";
import { decodeStoredRoute } from "../../wire/link/stored-route.ts";

/** A schedule as a host remembers it, without what it publishes. */
export interface KnownSchedule extends ScheduleFacts {
  /** When the host sees to it; later than it is due after a failure. */
  readonly tryAtMs: number;
}

interface StoredPattern {
  readonly recurrence: Recurrence;
  readonly whenMissed: WhenMissed;
}

/** When it comes, as the log keeps it. */
export function patternOf({ recurrence, whenMissed }: StoredPattern): string {
  return JSON.stringify({ recurrence, whenMissed } satisfies StoredPattern);
}

export function knownSchedule(stored: StoredSchedule): KnownSchedule {
  const { name, nextAtMs, pattern, batch } = stored;
  try {
    if (batch === undefined) {
      return damaged(stored, stored.problem);
    }
    const { recurrence, whenMissed } = JSON.parse(pattern) as StoredPattern;
    const { dataType } = decodeStoredRoute(batch);
    const topic = new TopicId(batch.topicType, batch.topicSource);
    const times = { nextAtMs, tryAtMs: nextAtMs };
    return { name, ...times, whenMissed, recurrence, topic, dataType, problem: undefined };
  } catch (error) {
    return damaged(stored, String(error));
  }
}

function damaged({ name, nextAtMs }: StoredSchedule, problem: string): KnownSchedule {
  return {
    name,
    nextAtMs,
    tryAtMs: Number.POSITIVE_INFINITY,
    whenMissed: "once",
    recurrence: undefined,
    topic: undefined,
    dataType: "",
    problem,
  };
}
