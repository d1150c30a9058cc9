/** How one step of the way to a host went. `skipped` when an earlier one makes it pointless. */
export type Verdict = "ok" | "warning" | "failed" | "skipped";

export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly finding: string;
  /** What to do about it; undefined when there is nothing to do. */
  readonly next: string | undefined;
}

export function ok(name: string, finding: string): Check {
  return { name, verdict: "ok", finding, next: undefined };
}

export function warning(name: string, finding: string, next: string): Check {
  return { name, verdict: "warning", finding, next };
}

export function failed(name: string, finding: string, next: string): Check {
  return { name, verdict: "failed", finding, next };
}

export function skipped(name: string, why: string): Check {
  return { name, verdict: "skipped", finding: why, next: undefined };
}
