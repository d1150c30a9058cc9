import type { CallEnded, Called } from "../history.ts";
import type { IndexedHistory, Violation } from "./indexed-history.ts";

/** Ends of a call that a caller has to reckon with. */
const ENDS: readonly string[] = [
  "ok",
  "HANDLER_FAILED",
  "NO_SUCH_AGENT",
  "WORKER_GONE",
  "HOST_DRAINING",
  "NOT_CONNECTED",
  "QUEUE_FULL",
  "DEADLINE",
  "CANCELLED",
];

/**
 * A call ends once, with its own result or with an error, within its time; it is carried out once at the most, and
 * once exactly when there was a result.
 *
 * @param slackMs how much later its end may be noted; what a pause of the caller takes comes on top
 */
export function brokenCallsIn(history: IndexedHistory, slackMs: number): readonly Violation[] {
  const violations: Violation[] = [];
  const violate = (text: string): void => {
    violations.push({ invariant: "call", text });
  };
  const carriedOut = new Set<string>();
  for (const { call } of history.callsHandled) {
    if (!history.calls.has(call)) {
      violate(`${call} was carried out and never made`);
    } else if (carriedOut.has(call)) {
      violate(`${call} was carried out more than once`);
    }
    carriedOut.add(call);
  }
  const ends = new Map<string, CallEnded>();
  for (const end of history.callEnds) {
    const { call, outcome, answers } = end;
    const begin = history.calls.get(call);
    if (begin === undefined || ends.has(call)) {
      violate(`${call} ended ${begin === undefined ? "and was never made" : "more than once"}`);
      continue;
    }
    ends.set(call, end);
    const tookMs = end.at - begin.at;
    if (tookMs > begin.timeoutMs + slackMs + pausedMs(history, begin, end)) {
      violate(`${call} took ${Math.round(tookMs)} ms and had ${begin.timeoutMs}`);
    }
    if (!ENDS.includes(outcome)) {
      violate(`${call} ended with ${outcome}`);
    } else if (outcome === "ok" && answers !== call) {
      violate(`${call} was answered for ${answers}`);
    } else if (outcome === "ok" && !carriedOut.has(call)) {
      violate(`${call} had a result and was not carried out`);
    }
  }
  for (const call of history.calls.keys()) {
    if (!ends.has(call) && !wasKilled(history, callerOf(call))) {
      violate(`${call} never ended`);
    }
  }
  return violations;
}

function callerOf(call: string): string {
  return call.split(" ")[0] ?? "";
}

function wasKilled({ processes }: IndexedHistory, process: string): boolean {
  return processes.some((one) => one.process === process && one.change === "killed");
}

function pausedMs({ faults }: IndexedHistory, begin: Called, end: CallEnded): number {
  const caller = callerOf(begin.call);
  return faults
    .filter(({ name }) => name === `pause ${caller}`)
    .map((fault) => Math.min(end.at, fault.untilAt) - Math.max(begin.at, fault.at))
    .reduce((sum, ms) => sum + Math.max(0, ms), 0);
}
