/** Something that instances can be placed on: a worker, by its client id. */
export interface Place {
  readonly clientId: string;
}

/**
 * Chooses the place of a name by rendezvous hashing: each place has a score for each name, and the
 * highest one has it. So a place that comes takes over only what it now wins, and a place that goes
 * gives away only what it had; everything else stays where it is. Nothing is remembered.
 *
 * @param name `type/key` of an agent instance
 * @returns undefined when there is no place
 */
export function placeOf<P extends Place>(places: readonly P[], name: string): P | undefined {
  const seed = hashOf(name);
  let best: P | undefined;
  let bestScore = -1;
  for (const place of places) {
    const score = mix(seed ^ mix(hashOf(place.clientId)));
    // Equal scores are rare, and must not depend on who came first.
    const isBetter =
      score > bestScore ||
      (score === bestScore && best !== undefined && place.clientId > best.clientId);
    if (isBetter) {
      best = place;
      bestScore = score;
    }
  }
  return best;
}

/** FNV-1a over UTF-16 units, 32 bits. Source: datatracker.ietf.org/doc/html/draft-eastlake-fnv. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}

/** The finalizer of MurmurHash3: every bit of the input changes about half of the output's. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
