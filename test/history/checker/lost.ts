import { nameOf, type Published, type SubscriberDeclared, topicTypeOf } from "../history.ts";
import type { IndexedHistory, Violation } from "./indexed-history.ts";

/**
 * What was acknowledged on a durable topic reaches each agent type that was subscribed before, or is kept as dead
 * for it. Of a damaged log as much may be missing as its check reports, of the topic types that it names.
 */
export function lostIn(history: IndexedHistory): readonly Violation[] {
  return history.subscribers
    .filter(({ isDurable }) => isDurable)
    .flatMap((subscriber) => beyondDamage(history, subscriber, missingOf(history, subscriber)));
}

/** Acknowledged durable messages that an agent type has not had, and that nobody keeps for it. */
export function missingOf(
  history: IndexedHistory,
  subscriber: SubscriberDeclared,
): readonly Published[] {
  const { agentType, topicTypes, at } = subscriber;
  const reached = history.reached(subscriber);
  for (const dead of history.dead) {
    if (dead.agentType === agentType) {
      reached.add(nameOf(dead));
    }
  }
  return [...history.published].flatMap(([name, one]) =>
    one.isDurable &&
    one.at > at &&
    topicTypes.includes(topicTypeOf(one.stream)) &&
    history.outcomes.get(name) === "ok" &&
    !reached.has(name)
      ? [one]
      : [],
  );
}

function beyondDamage(
  history: IndexedHistory,
  { agentType }: SubscriberDeclared,
  missing: readonly Published[],
): readonly Violation[] {
  let unknown = 0;
  const allowed = new Map<string, number>();
  for (const { records, topicType } of history.damaged) {
    if (topicType === undefined) {
      unknown += records;
    } else {
      allowed.set(topicType, (allowed.get(topicType) ?? 0) + records);
    }
  }
  const lost = missing.filter(({ stream }) => {
    const topicType = topicTypeOf(stream);
    const left = allowed.get(topicType) ?? 0;
    if (left > 0) {
      allowed.set(topicType, left - 1);
      return false;
    }
    unknown -= 1;
    return unknown < 0;
  });
  return lost.map((one) => ({
    invariant: "lost",
    text: `${nameOf(one)} was acknowledged and did not reach ${agentType}`,
  }));
}
