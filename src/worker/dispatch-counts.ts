/** Counts since the runtime was made; each only grows. */
export interface DispatchCounts {
  readonly eventsIn: number;
  /** Events for which this process has no agent. */
  readonly eventsUnmatched: number;
  readonly callsIn: number;
  /** Calls that ended before a handler saw them. */
  readonly callsFailed: number;
  /** Messages that a handler finished. */
  readonly handled: number;
  /** Messages that ended in an error: of the handler, the agent's factory, or the data. */
  readonly failed: number;
  /** Those of `failed` whose data did not fit their declared type. */
  readonly undecodable: number;
  /** Events that were lost because a mailbox was full, there were too many instances, or a newer one took their place. */
  readonly shed: number;
  /** Events that had been handed over before, by source and id; see `dedupWindowMs`. */
  readonly duplicates: number;
  readonly statesNotSaved: number;
}

export type MutableDispatchCounts = ReturnType<typeof newDispatchCounts>;

/** Those that the dispatcher counts itself, from zero. */
export function newDispatchCounts(): {
  -readonly [K in Exclude<keyof DispatchCounts, "shed">]: number;
} {
  return {
    eventsIn: 0,
    eventsUnmatched: 0,
    callsIn: 0,
    callsFailed: 0,
    handled: 0,
    failed: 0,
    undecodable: 0,
    duplicates: 0,
    statesNotSaved: 0,
  };
}
