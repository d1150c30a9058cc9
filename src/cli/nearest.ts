import { closest, distance } from "fastest-levenshtein";

/**
 * The known name that a mistyped one most likely means, or undefined when none is near:
 * two letters (one swap) or a third of them wrong is a typo, more is a guess.
 */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  if (known.length === 0 || wanted.length > 64) {
    return undefined;
  }
  const byPrefix = known.filter((candidate) => wanted.length >= 3 && candidate.startsWith(wanted));
  if (byPrefix.length === 1) {
    return byPrefix[0];
  }
  const best = closest(wanted, [...known]);
  const allowed = Math.max(best.length < 4 ? 1 : 2, Math.floor(best.length / 3));
  return distance(wanted, best) <= allowed ? best : undefined;
}

/** The one wording for every unknown flag, key, variable, command and role. */
export function didYouMean(
  name: string,
  known: readonly string[],
  spell: (name: string) => string = (text) => text,
): string {
  const nearest = nearestOf(name, known);
  return nearest === undefined ? "" : ` Did you mean ${spell(nearest)}?`;
}
