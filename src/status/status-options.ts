import { AgentrtError } from "../core/errors.ts";

/** Settings of the status page. */
export interface StatusOptions {
  /** Further Host headers to answer for; see `pageGuard`. Default: none. */
  readonly allowedHosts: readonly string[];
  /**
   * Time between two live reports, in milliseconds, 50 to 2,000: the page takes 5 s of silence
   * for a lost connection. Default: 1,000.
   */
  readonly intervalMs: number;
  /**
   * Live connections at once, 1 to 1,000; more are answered 503 `TOO_MANY`. Each costs the host
   * a report's rendering a second, which strangers could multiply. Default: 32.
   */
  readonly maxViewers: number;
}

export type StatusOptionsInput = {
  readonly [K in keyof StatusOptions]?: StatusOptions[K] | undefined;
};

/** @throws AgentrtError `INVALID_OPTION` */
export function resolveStatusOptions(input: StatusOptionsInput = {}): StatusOptions {
  return Object.freeze({
    allowedHosts: Object.freeze([...(input.allowedHosts ?? [])]),
    intervalMs: inRange("intervalMs", input.intervalMs ?? 1_000, 50, 2_000),
    maxViewers: inRange("maxViewers", input.maxViewers ?? 32, 1, 1_000),
  });
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `Status page option ${name} is ${value}. Give a whole number from ${min} to ${max}.`,
      { data: { name, value } },
    );
  }
  return value;
}
