import { keyOf, type MessageName, nameOf, topicTypeOf } from "../history.ts";
import type { IndexedHistory, Violation } from "./indexed-history.ts";

/**
 * With these the publisher is told that the message is nowhere, and stays so. STORE_UNUSABLE is none of them: what a
 * disk that failed to sync has kept, only the disk knows.
 */
const REFUSALS: readonly string[] = [
  "STORE_FULL",
  "STORE_READ_ONLY",
  "TOO_LARGE",
  "QUEUE_FULL",
  "INVALID_MESSAGE",
];

interface Seen extends MessageName {
  readonly agentType: string;
  readonly key?: string;
}

/** What reaches an agent was published, on a topic of its, for its key, and not refused. */
export function inventedIn(history: IndexedHistory): readonly Violation[] {
  const topicTypes = new Map(history.subscribers.map((one) => [one.agentType, one.topicTypes]));
  const refusedAt = new Map<string, string>();
  for (const [name, outcome] of history.outcomes) {
    if (REFUSALS.includes(outcome)) {
      refusedAt.set(name, outcome);
    }
  }
  const violations: Violation[] = [];
  for (const one of allSeen(history)) {
    const name = nameOf(one);
    const why = !history.published.has(name)
      ? "was never published"
      : refusedAt.has(name)
        ? `was refused (${refusedAt.get(name)})`
        : topicTypes.get(one.agentType)?.includes(topicTypeOf(one.stream)) !== true
          ? "is on a topic that it is not subscribed to"
          : one.key !== undefined && one.key !== keyOf(one.stream)
            ? `is not for its key ${one.key}`
            : undefined;
    if (why !== undefined) {
      violations.push({
        invariant: "invented",
        text: `${one.agentType} got ${name}, which ${why}`,
      });
    }
  }
  return violations;
}

function* allSeen(history: IndexedHistory): Generator<Seen> {
  for (const handled of history.handled.values()) {
    yield* handled;
  }
  yield* history.failed;
  yield* history.dead;
  for (const { agentType, isCounting } of history.subscribers) {
    for (const { key, counted } of isCounting ? history.countedBy(agentType) : []) {
      for (const [stream, ranges] of Object.entries(counted)) {
        for (const [first, last] of ranges) {
          for (let n = first; n <= last; n += 1) {
            yield { agentType, key, stream, n };
          }
        }
      }
    }
  }
}
