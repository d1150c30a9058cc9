import type { Environment } from "./language.ts";

/**
 * True when output to a stream may carry colour codes.
 * NO_COLOR (no-color.org: set and not empty) turns them off everywhere, FORCE_COLOR (anything but
 * empty, `0` or `false`) on everywhere; NO_COLOR wins. Otherwise a terminal has them unless it is `dumb`.
 */
export function isColorWanted(environment: Environment, isTerminal: boolean): boolean {
  const noColor = environment["NO_COLOR"];
  if (noColor !== undefined && noColor !== "") {
    return false;
  }
  const force = environment["FORCE_COLOR"];
  if (force !== undefined && force !== "") {
    return force !== "0" && force !== "false";
  }
  return isTerminal && environment["TERM"] !== "dumb";
}

/** Styles text for a terminal, or leaves it as it is. */
export interface Styler {
  strong(text: string): string;
  faint(text: string): string;
  accent(text: string): string;
}

export function createStyler(hasColors: boolean): Styler {
  const wrap = (open: number, close: number) => (text: string) =>
    hasColors ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { strong: wrap(1, 22), faint: wrap(2, 22), accent: wrap(36, 39) };
}
