/** What is kept of one durable subscription: everything that it has finished, and what it tries again. */
export interface CursorState {
  /** Every position below is done. */
  readonly floor: number;
  /** Done positions above the floor, as ranges [first, last], ascending, apart from each other. */
  readonly done: readonly PositionRange[];
  /** Records that failed at least once and are not done, ascending by position. */
  readonly attempts: readonly RecordAttempts[];
}

/** First and last position, both included. */
export type PositionRange = readonly [first: number, last: number];

export interface RecordAttempts {
  readonly position: number;
  /** Deliveries that the receiver failed so far. */
  readonly attempts: number;
  /** Deliveries of which nobody knows how they went, because the connection was lost. */
  readonly losses: number;
  /** Not delivered again before this time, in milliseconds since 1970. */
  readonly nextAtMs: number;
  /** The code and text of the newest failure. */
  readonly lastError: string;
}
