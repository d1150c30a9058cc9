import {
  type Fault,
  type Handled,
  nameOf,
  type ProcessChanged,
  type Published,
  publisherOf,
  type SubscriberDeclared,
  topicTypeOf,
} from "../history.ts";
import type { IndexedHistory, Violation } from "./indexed-history.ts";

/**
 * A plain message that was accepted and did not reach a subscriber was lost by a fault that can lose: one that was
 * not over before it was published, and that began before a later one of its stream was handled, since what comes
 * later does not overtake. When that was no kill, the host has counted it.
 *
 * @param slackMs how long after its end a fault may still be felt, until everybody is connected again
 */
export function unaccountedIn(history: IndexedHistory, slackMs: number): readonly Violation[] {
  return history.subscribers
    .filter(({ isDurable }) => !isDurable)
    .flatMap((subscriber) => unaccountedOf(history, subscriber, slackMs));
}

function unaccountedOf(
  history: IndexedHistory,
  subscriber: SubscriberDeclared,
  slackMs: number,
): readonly Violation[] {
  const { agentType } = subscriber;
  const handled = history.handledBy(agentType);
  const had = new Set(handled.map(nameOf));
  const byStream = Map.groupBy(handled, ({ stream }) => stream);
  const losing = history.faults.filter(({ mayLose }) => mayLose);
  const violations: Violation[] = [];
  const uncounted = new Map<string, Published[]>();
  for (const [name, one] of history.published) {
    const isForIt = subscriber.topicTypes.includes(topicTypeOf(one.stream));
    const wasAccepted = history.outcomes.get(name) === "ok";
    if (!isForIt || !wasAccepted || one.at < subscriber.at || had.has(name)) {
      continue;
    }
    const until = overtakenAt(byStream.get(one.stream) ?? [], one);
    const causes = losing.filter((fault) => fault.at <= until && fault.untilAt + slackMs >= one.at);
    if (causes.length === 0) {
      violations.push({
        invariant: "unaccounted",
        text: `${name} was accepted, did not reach ${agentType}, and there was no fault`,
      });
      continue;
    }
    const host = lifeOfHost(history.processes, one.at);
    if (host !== undefined && !causes.some(isKill) && !hasEnded(history, publisherOf(one.stream))) {
      uncounted.set(host, [...(uncounted.get(host) ?? []), one]);
    }
  }
  for (const [host, missing] of uncounted) {
    const counts = history.hostCounts.get(host);
    const counted = counts === undefined ? undefined : counts.unmatched + counts.deadLetters;
    if (counted !== undefined && missing.length > counted) {
      violations.push({
        invariant: "unaccounted",
        text: `${missing.length} messages did not reach ${agentType}, and ${host} has counted ${counted}; the first is ${missing.slice(0, 1).map(nameOf)}`,
      });
    }
  }
  return violations;
}

/** When a later message of its stream was handled first. */
function overtakenAt(ofStream: readonly Handled[], { n }: Published): number {
  const later = ofStream.find((one) => one.n > n);
  return later?.at ?? Number.POSITIVE_INFINITY;
}

function isKill({ name }: Fault): boolean {
  return name.startsWith("kill");
}

/** The host that ran at a time. */
function lifeOfHost(processes: readonly ProcessChanged[], at: number): string | undefined {
  return processes.findLast(
    (one) => one.role === "host" && one.change === "started" && one.at <= at,
  )?.process;
}

/** A publisher that was killed had messages of its own that never left it. */
function hasEnded({ processes }: IndexedHistory, publisher: string): boolean {
  return processes.some(
    ({ process, change }) => process === publisher && (change === "killed" || change === "died"),
  );
}
