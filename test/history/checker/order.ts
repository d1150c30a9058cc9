import { nameOf } from "../history.ts";
import type { IndexedHistory, Violation } from "./indexed-history.ts";

/**
 * What one publisher publishes on one topic with one priority reaches an agent in that order, as far as it reaches
 * it. A message that comes again counts where it came first. Agents that may fail messages get those later.
 */
export function disorderIn(history: IndexedHistory): readonly Violation[] {
  const violations: Violation[] = [];
  for (const { agentType } of history.subscribers.filter(({ mayFail }) => !mayFail)) {
    const had = new Set<string>();
    const newest = new Map<string, number>();
    for (const one of history.handledBy(agentType)) {
      const name = nameOf(one);
      if (had.has(name)) {
        continue;
      }
      had.add(name);
      const before = newest.get(one.stream) ?? 0;
      if (one.n < before) {
        violations.push({
          invariant: "order",
          text: `${agentType} got ${name} after number ${before} of it`,
        });
      }
      newest.set(one.stream, Math.max(before, one.n));
    }
  }
  return violations;
}
