import type { LogBatch, StoredBatch } from "./message-log.ts";

/** A durable record that a subscription gave up. */
export interface DeadRecord {
  readonly id: number;
  readonly cursor: string;
  readonly position: number;
  readonly topicType: string;
  readonly topicSource: string;
  readonly atMs: number;
  readonly reason: string;
  readonly lastError: string;
  readonly attempts: number;
}

export interface DeadRecordWithBatch {
  readonly dead: DeadRecord;
  /** The batch that holds it; undefined when the log no longer had it when the record was given up. */
  readonly batch: StoredBatch | undefined;
  /** Which record of the batch. */
  readonly index: number;
}

export interface DeadRequest {
  readonly limit: number;
  /** Only of this cursor. */
  readonly cursor?: string | undefined;
  /** Older ones than this id, to page on. */
  readonly before?: number | undefined;
}

export interface DeadRecords {
  /** Newest first. */
  listDead(request: DeadRequest): Promise<readonly DeadRecord[]>;
  showDead(id: number): Promise<DeadRecordWithBatch | undefined>;
  /**
   * Appends a batch that holds the record again, and drops the dead one, in one transaction.
   * @returns the position of the batch, or undefined when there is no such dead record: then nothing is appended
   * @throws AgentrtError `NO_SUCH_SUBSCRIPTION` when its cursor is gone, or does not read the batch's topic
   */
  replayDead(id: number, batch: LogBatch): Promise<number | undefined>;
  /** How many of them there were. */
  dropDead(ids: readonly number[]): Promise<number>;
}
