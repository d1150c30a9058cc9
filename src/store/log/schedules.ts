import type { LogBatch } from "./message-log.ts";

/** A batch that is published again and again. */
export interface Schedule {
  readonly name: string;
  /** When, as its maker wrote it; opaque to the store, which gets each next time from its caller. */
  readonly pattern: string;
  readonly nextAtMs: number;
  /** Its producer, sequence and times are the store's matter when it fires. */
  readonly batch: LogBatch;
}

/** A schedule as it is stored. */
export type StoredSchedule = Omit<Schedule, "batch"> &
  (
    | { readonly batch: LogBatch; readonly problem: undefined }
    /** What is to be published cannot be read back. */
    | { readonly batch: undefined; readonly problem: string }
  );

/** What becomes of a time of a schedule; either way it is over. */
export type Firing = "publish" | "skip";

export interface Moved {
  /** Batches that came into the log, by position. */
  readonly positions: readonly number[];
  /** When the next waiting batch is due; undefined when none waits. May lie in the past: then call again. */
  readonly nextDueAtMs: number | undefined;
}

export interface Schedules {
  /** Brings the batches whose `deliverAtMs` has come into the log, in order of their times; each of them once, for ever. */
  moveDue(nowMs: number): Promise<Moved>;
  /** Replaces an earlier one of the same name. */
  putSchedule(schedule: Schedule): Promise<void>;
  /** By name. One that is damaged is among them. */
  listSchedules(): Promise<readonly StoredSchedule[]>;
  /** False when there was none. */
  removeSchedule(name: string): Promise<boolean>;
  /**
   * Appends the batch of a schedule whose time has come, or does not, and sets its next time, in one transaction.
   * `dueAtMs` is the time that is meant; when the schedule has another one by now (it was fired before, replaced
   * or removed), nothing happens. So every time fires once, over crashes too.
   * @param nextAtMs undefined: there is no next time, and the schedule is removed
   * @returns the position, 0 when it was skipped, or undefined when nothing happened
   */
  fireSchedule(
    name: string,
    dueAtMs: number,
    nextAtMs: number | undefined,
    firing: Firing,
  ): Promise<number | undefined>;
}
