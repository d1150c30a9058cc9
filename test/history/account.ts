import type { HistoryEvent } from "./history.ts";

/** How much of what happened in a run, for a person, and for a test that wants to know that enough did. */
export function accountOf(events: readonly HistoryEvent[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const event of events) {
    const label = labelOf(event);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function labelOf(event: HistoryEvent): string {
  switch (event.kind) {
    case "publish":
      return event.isDurable ? "published durable" : "published plain";
    case "published":
    case "called":
      return `${event.kind}: ${event.outcome}`;
    case "handled":
    case "failed":
    case "dead":
      return `${event.kind} by ${event.agentType}`;
    case "fault":
      return `fault: ${event.name.replace(/[.]\d+/, "")}`;
    case "process":
      return `process ${event.change}`;
    default:
      return event.kind;
  }
}
