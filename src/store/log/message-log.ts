import type { CursorState } from "../../core/cursor-state.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { DeadRecords } from "./dead-records.ts";
import type { LogCare } from "./log-care.ts";
import type { Schedules } from "./schedules.ts";
import type { TopicDeclarations } from "./topic-declaration.ts";

/** A batch of records of one route, as the host got it. The log reads only the fields beside `records` and `route`. */
export interface LogBatch {
  readonly topicType: string;
  readonly topicSource: string;
  /** What is the same for all records of the batch; opaque. */
  readonly route: Uint8Array;
  /** How many records; at least 1. */
  readonly count: number;
  /** The records, back to back; opaque. Must not change until the call that took it has ended. */
  readonly records: Uint8Array;
  /** CRC-32 (ISO-HDLC) of `records`, as the publisher computed it. */
  readonly checksum: number;
  /** How `records` are encoded; opaque, a safe integer. */
  readonly encoding: number;
  /** Who numbers the records. (producer, sequence) names a record for ever. */
  readonly producer: string;
  /** The producer's number of the first record; the others follow. A safe integer. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly publishedAtMs: number;
  readonly expiresAtMs: number | undefined;
  /** Kept aside until then; see {@link MessageLog.moveDue}. A time that has passed changes nothing. */
  readonly deliverAtMs: number | undefined;
}

export interface StoredBatch extends LogBatch {
  /** Of the first record; the others follow. The first position of a log is 1. */
  readonly position: number;
  /** When it came into this log by the host's clock, in milliseconds since 1970; never goes down along the log. */
  readonly storedAtMs: number;
}

/** The position of a batch that waits for its `deliverAtMs` and is not in the log yet. */
export const WAITING = 0;

export interface Appended {
  /** Of the first record, or {@link WAITING}. */
  readonly position: number;
  /** True when it was stored before: it is not stored again, and `position` is that of then. */
  readonly isDuplicate: boolean;
}

export interface ReadRequest {
  readonly patterns: readonly TopicPattern[];
  /** Batches that hold this position or later ones, so the first may begin before it. */
  readonly from: number;
  readonly maxBatches: number;
  /** Of records. One batch is given even when it alone is larger. */
  readonly maxBytes: number;
}

export interface LogRead {
  /** By position. */
  readonly batches: readonly StoredBatch[];
  /** Where to go on. No matching record between `from` and here is missing in `batches`, but those in `damaged`. */
  readonly next: number;
  /** True when nothing that matches is stored at `next` or later. */
  readonly isAtEnd: boolean;
  /** Above `from` when retention removed some of what matches between there and here; otherwise 0. */
  readonly removedUntil: number;
  /** Found damaged by this read or before, between `from` and `next`; they will never be delivered. */
  readonly damaged: readonly DamagedRange[];
}

/** Positions whose records cannot be read back. They are set aside, and the rest is served. */
export interface DamagedRange {
  readonly first: number;
  readonly last: number;
  /** Undefined when even that cannot be read. */
  readonly topicType: string | undefined;
  /** For a person. */
  readonly reason: string;
  readonly foundAtMs: number;
}

/** Where a cursor that does not exist yet begins. */
export type CursorStart =
  | { readonly at: "first" }
  | { readonly at: "next" }
  | { readonly at: "position"; readonly position: number }
  | { readonly at: "time"; readonly timeMs: number };

export interface CursorRequest {
  readonly patterns: readonly TopicPattern[];
  /** Counts only when the cursor does not exist. */
  readonly start: CursorStart;
}

export interface StoredCursor {
  readonly name: string;
  readonly patterns: readonly TopicPattern[];
  readonly state: CursorState;
  /** True when what was stored could not be read back, and the cursor begins at the oldest record instead. */
  readonly wasDamaged: boolean;
}

export interface CursorUpdate {
  readonly name: string;
  readonly state: CursorState;
}

/** Kept with the record's batch, so that it can be shown and tried again when the log has dropped it. */
export interface NewDeadRecord {
  readonly cursor: string;
  readonly position: number;
  /** Why it was given up, such as MAX_ATTEMPTS or EXPIRED. */
  readonly reason: string;
  readonly lastError: string;
  readonly attempts: number;
}

export interface Commit {
  readonly cursors: readonly CursorUpdate[];
  readonly dead?: readonly NewDeadRecord[];
}

export interface LogFacts {
  /** Names this log: its positions say nothing about another one, nor about a backup that is used by itself. */
  readonly identity: number;
  /** The position that the next record gets. */
  readonly nextPosition: number;
  /** Of the oldest record that is there, or `nextPosition`. */
  readonly firstPosition: number;
  readonly batches: number;
  readonly records: number;
  /** Of records alone. */
  readonly recordBytes: number;
  readonly damagedRanges: number;
  readonly deadRecords: number;
  /** Of the batches that these are in, and of their errors. */
  readonly deadBytes: number;
  /** Dead records that were dropped because there were too many or they were too old, ever. */
  readonly deadDropped: number;
  /** What the log takes on disk, all its files. */
  readonly bytesOnDisk: number;
}

/**
 * The durable messages of one host, in one file of its data folder, in a thread of its own.
 *
 * What resolves is on disk (fsync), and survives kill -9 and power loss. What arrives while the disk is
 * busy shares the next transaction, so that one fsync is for many. Every method may reject with AgentrtError:
 * `STORE_FULL`, `STORE_READ_ONLY`, `STORE_UNUSABLE` (nothing of that call is stored; a later call may well
 * succeed), `STORE_DAMAGED` (the part of the file that is needed cannot be read), `INVALID_OPTION` (an argument
 * cannot be), `RUNTIME_STATE` (closed).
 */
export interface MessageLog
  extends TopicDeclarations,
    DeadRecords,
    Schedules,
    LogCare,
    AsyncDisposable {
  /**
   * Stores all of the batches or none, next to each other in their order.
   * A batch with (producer, sequence) of a stored one is not stored again; the window in which this is
   * noticed survives restarts, see {@link MessageLogOptions.dedupBatchesPerProducer}.
   * @throws AgentrtError `QUEUE_FULL` when too many bytes wait for the disk, `INVALID_MESSAGE` when `records` do not
   *   fit `checksum`, or when some but not all of a batch's sequence numbers were stored before
   */
  append(batches: readonly LogBatch[]): Promise<readonly Appended[]>;
  read(request: ReadRequest): Promise<LogRead>;
  /** The first position that was stored at this time or later; the next position when there is none. */
  positionAt(timeMs: number): Promise<number>;
  /** Everything found damaged so far, by position. */
  listDamaged(limit: number): Promise<readonly DamagedRange[]>;

  /** Gives the cursor of this name, made when it does not exist. Other patterns than before replace those of then. */
  openCursor(name: string, request: CursorRequest): Promise<StoredCursor>;
  listCursors(): Promise<readonly StoredCursor[]>;
  /** False when there was none. */
  removeCursor(name: string): Promise<boolean>;
  /**
   * Stores new states of cursors and the records that these give up, in one transaction.
   * A cursor that was removed meanwhile is left out; its dead records are kept.
   */
  commit(commit: Commit): Promise<void>;

  facts(): Promise<LogFacts>;
  /** Finishes what was asked for and closes the file. Safe to call again. */
  close(): Promise<void>;
}
