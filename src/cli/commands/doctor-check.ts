import type { Localized } from "../language.ts";

/** How one step of the way to a host went. `skipped` when an earlier one makes it pointless. */
export type Verdict = "ok" | "warning" | "failed" | "skipped";

export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly finding: Localized;
  /** What to do about it; undefined when there is nothing to do. */
  readonly next: Localized | undefined;
}

export function say(en: string, zh: string): Localized {
  return { en, zh };
}

/** What cannot be translated, because another program or a lower layer said it. */
export function asIs(text: string): Localized {
  return { en: text, zh: text };
}

export function ok(name: string, finding: Localized): Check {
  return { name, verdict: "ok", finding, next: undefined };
}

export function warning(name: string, finding: Localized, next: Localized): Check {
  return { name, verdict: "warning", finding, next };
}

export function failed(name: string, finding: Localized, next: Localized): Check {
  return { name, verdict: "failed", finding, next };
}

export function skipped(name: string, why: Localized): Check {
  return { name, verdict: "skipped", finding: why, next: undefined };
}
