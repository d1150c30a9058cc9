import type { ErrorCode } from "../core/errors.ts";

/** What the process ends with; a second signal adds 128 + its number. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  "INVALID_OPTION",
  "UNKNOWN_OPTION",
  "CONFIG_UNREADABLE",
  "LISTEN_REFUSED",
] satisfies ErrorCode[]);

/** 2 for what was written wrongly, 1 for what went wrong. */
export function exitCodeOf(code: ErrorCode): number {
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}
