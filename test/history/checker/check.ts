import { type HistoryEvent, nameOf } from "../history.ts";
import { brokenCallsIn } from "./calls.ts";
import { IndexedHistory, type Violation } from "./indexed-history.ts";
import { inventedIn } from "./invented.ts";
import { lostIn } from "./lost.ts";
import { disorderIn } from "./order.ts";
import { repeatsIn } from "./repeats.ts";
import { unaccountedIn } from "./unaccounted.ts";

/** How long a fault is felt after its end, and how late an end may be noted, on a crowded machine. */
const SLACK_MS = 5_000;

/** Every promise that the history of a run, by time, shows to be broken. Pure. */
export function check(
  events: readonly HistoryEvent[],
  { slackMs = SLACK_MS }: { readonly slackMs?: number } = {},
): readonly Violation[] {
  const history = new IndexedHistory(events);
  // A cursor that cannot be read any more begins anew, and what was set aside leaves gaps.
  const isDamaged = history.faults.some(({ name }) => name.includes("damage"));
  return [
    ...lostIn(history),
    ...inventedIn(history),
    ...(isDamaged ? [] : disorderIn(history)),
    ...(isDamaged ? [] : repeatsIn(history, slackMs)),
    ...unaccountedIn(history, slackMs),
    ...brokenCallsIn(history, slackMs),
    ...givenUpIn(history),
    ...deathsIn(history),
  ];
}

/** Nothing is given up for an agent that fails nothing. */
function givenUpIn({ subscribers, dead }: IndexedHistory): readonly Violation[] {
  const failing = new Set(
    subscribers.filter(({ mayFail }) => mayFail).map(({ agentType }) => agentType),
  );
  return dead
    .filter(({ agentType }) => !failing.has(agentType))
    .map((one) => ({
      invariant: "given up",
      text: `${nameOf(one)} was given up for ${one.agentType}: ${one.reason}`,
    }));
}

/** No process ends but those that were ended. */
function deathsIn({ processes }: IndexedHistory): readonly Violation[] {
  return processes
    .filter(({ change }) => change === "died")
    .map(({ process }) => ({ invariant: "process", text: `${process} ended by itself` }));
}
