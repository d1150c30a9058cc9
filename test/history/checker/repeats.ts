import { type Fault, type Handled, nameOf, type SubscriberDeclared } from "../history.ts";
import type { IndexedHistory, Violation } from "./indexed-history.ts";

/**
 * An agent that counts counts each message once. To others one may come again in another life of their process, or
 * in another process of a shared type, when there was a fault meanwhile; in one life never.
 *
 * @param slackMs how long after it a fault may still be felt
 */
export function repeatsIn(history: IndexedHistory, slackMs: number): readonly Violation[] {
  return history.subscribers.flatMap((subscriber) =>
    subscriber.isCounting
      ? countedAgain(history, subscriber)
      : handledAgain(history, subscriber, slackMs),
  );
}

function countedAgain(
  history: IndexedHistory,
  { agentType }: SubscriberDeclared,
): readonly Violation[] {
  return history
    .countedBy(agentType)
    .flatMap(({ again }) => again)
    .map((one) => ({
      invariant: "repeated",
      text: `${agentType} has counted ${nameOf(one)} more than once`,
    }));
}

function handledAgain(
  history: IndexedHistory,
  { agentType }: SubscriberDeclared,
  slackMs: number,
): readonly Violation[] {
  const violations: Violation[] = [];
  const lives = new Map<string, Handled[]>();
  for (const one of history.handledBy(agentType)) {
    const name = nameOf(one);
    const before = lives.get(name) ?? [];
    lives.set(name, before);
    const last = before.at(-1);
    if (before.some(({ process }) => process === one.process)) {
      violations.push({
        invariant: "repeated",
        text: `${agentType} got ${name} twice in ${one.process}`,
      });
    } else if (last !== undefined && !wasDisturbed(history.faults, last.at, one.at, slackMs)) {
      violations.push({
        invariant: "repeated",
        text: `${agentType} got ${name} in ${last.process} and in ${one.process}, without a fault between`,
      });
    }
    before.push(one);
  }
  return violations;
}

function wasDisturbed(
  faults: readonly Fault[],
  from: number,
  until: number,
  slackMs: number,
): boolean {
  return faults.some((fault) => fault.at <= until && fault.untilAt + slackMs >= from);
}
