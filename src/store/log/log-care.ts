import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { DamagedRange } from "./message-log.ts";

export interface Removed {
  readonly pattern: TopicPattern;
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  /** Removed records that cursors had not finished, by the cursor's name. */
  readonly undelivered: Readonly<Record<string, number>>;
}

export interface CheckReport {
  /** What SQLite found wrong with the file itself; empty when nothing. */
  readonly structure: readonly string[];
  /** True when these were mended, by indexes built anew. */
  readonly isMended: boolean;
  readonly batches: number;
  readonly records: number;
  /** Found by this check and before. */
  readonly damaged: readonly DamagedRange[];
  readonly isSound: boolean;
}

export interface Compacted {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Long work is done in small steps, between which appends and reads go on. */
export interface LogCare {
  /** Removes what the declared topics do not keep. Tells only the patterns of which something was removed. */
  applyRetention(): Promise<readonly Removed[]>;
  /** Reads everything. Damaged batches are set aside as by a read. */
  check(): Promise<CheckReport>;
  /**
   * Writes a consistent copy of the log, that can be opened as a data folder, while everything goes on.
   * @param folder made when it does not exist
   * @throws AgentrtError `FILE_EXISTS` when a log is there
   */
  backup(folder: string): Promise<{ readonly bytes: number }>;
  /** Gives the disk back what is not used any more. */
  compact(): Promise<Compacted>;
}
