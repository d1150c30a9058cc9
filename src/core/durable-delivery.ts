import type { CursorState } from "./cursor-state.ts";

export interface DeliveryCursorOptions {
  /** Records that may be with the receiver at once. */
  readonly maxInFlight: number;
  /** Records that may be known and not done; when there are so many, no more are wanted. Bounds memory. */
  readonly maxOpen: number;
  /** Deliveries that the receiver may fail before the record is given up. */
  readonly maxDeliver: number;
  /** Lost connections during its delivery that a record may cause before it is given up. */
  readonly maxLosses: number;
  /** How long to wait after the n-th failure (from 1), in milliseconds. */
  readonly backoffMs: (failures: number) => number;
}

/** Records of one batch, next to each other, for the receiver. */
export interface Delivery<B> {
  readonly batch: B;
  /** Positions, both included. */
  readonly first: number;
  readonly last: number;
  /** 1 for the first time; the same for all of them. */
  readonly attempt: number;
}

export type GiveUpReason = "MAX_DELIVER" | "MAX_LOSSES" | "EXPIRED";

export interface GivenUp {
  readonly position: number;
  readonly reason: GiveUpReason;
  /** Empty when it never failed. */
  readonly lastError: string;
  readonly attempts: number;
}

/** What to store in one transaction. */
export interface CursorSnapshot {
  readonly state: CursorState;
  /** Records that count as done in `state`, so that they must be kept as dead records with it. */
  readonly dead: readonly GivenUp[];
  /** How much had changed until then; the cursor's own matter. */
  readonly changes: number;
}
