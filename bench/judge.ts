import type { BenchResult, SystemResult } from "./results.ts";
import { medianOf } from "./statistics.ts";
import type { Limit, Reference, Target } from "./targets.ts";

/** How a target stands after a run. */
export interface Verdict {
  readonly target: Target;
  readonly measured: number | undefined;
  readonly against: number | undefined;
  /** What the limit is held against; undefined when something was not measured. */
  readonly value: number | undefined;
  readonly verdict: "met" | "not met" | "not available" | "not measured" | "failed";
}

/** The targets of the works that were measured, judged by the medians. */
export function judge(result: BenchResult, targets: readonly Target[]): readonly Verdict[] {
  const works = new Set(result.works.map(({ id }) => id));
  return targets
    .filter(({ measured }) => works.has(measured.work))
    .map((target) => judgeOne(result, target));
}

function judgeOne(result: BenchResult, target: Target): Verdict {
  const subject = systemOf(result, target.measured);
  const measured = medianIn(subject, target.measured);
  const peer = target.against === undefined ? undefined : systemOf(result, target.against);
  const against = target.against === undefined ? undefined : medianIn(peer, target.against);
  const value = ratioOrNumber(target, measured, against);
  return { target, measured, against, value, verdict: verdictOf(subject, value, target.limit) };
}

function ratioOrNumber(
  target: Target,
  measured: number | undefined,
  against: number | undefined,
): number | undefined {
  if (target.against === undefined || measured === undefined) {
    return measured;
  }
  return against === undefined || against === 0 ? undefined : measured / against;
}

function verdictOf(
  subject: SystemResult | undefined,
  value: number | undefined,
  limit: Limit,
): Verdict["verdict"] {
  if (subject !== undefined && subject.unavailable !== "") {
    return "not available";
  }
  // A system that loses messages in one run of five has not reached anything.
  if (subject !== undefined && subject.failures.length > 0) {
    return "failed";
  }
  if (value === undefined) {
    return "not measured";
  }
  const isMet = "atLeast" in limit ? value >= limit.atLeast : value <= limit.atMost;
  return isMet ? "met" : "not met";
}

function systemOf({ works }: BenchResult, { work, system }: Reference): SystemResult | undefined {
  return works
    .find(({ id }) => id === work)
    ?.systems.find((candidate) => candidate.system === system);
}

function medianIn(system: SystemResult | undefined, { metric }: Reference): number | undefined {
  const values = (system?.measurements ?? [])
    .map(({ values: all }) => all[metric])
    .filter((value) => value !== undefined);
  return values.length === 0 ? undefined : medianOf(values);
}
