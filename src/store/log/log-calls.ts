import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { DeadRecord, DeadRecordWithBatch, DeadRequest } from "./dead-records.ts";
import type { CheckReport, Compacted, Removed } from "./log-care.ts";
import type {
  Appended,
  Commit,
  CursorRequest,
  DamagedRange,
  LogBatch,
  LogFacts,
  LogRead,
  ReadRequest,
  StoredCursor,
} from "./message-log.ts";
import type { Firing, Moved, Schedule, StoredSchedule } from "./schedules.ts";
import type { TopicDeclaration } from "./topic-declaration.ts";

type Nothing = Record<string, never>;

/** What changes the log: calls of one group are one transaction. Batches travel beside the other arguments. */
export interface WriteCalls {
  append(input: Nothing, batches: readonly LogBatch[]): readonly Appended[];
  openCursor(input: CursorRequest & { readonly name: string }): StoredCursor;
  removeCursor(input: { readonly name: string }): boolean;
  commit(input: Commit): void;
  putTopic(input: TopicDeclaration): void;
  removeTopic(input: TopicPattern): boolean;
  replayDead(input: { readonly id: number }, batches: readonly LogBatch[]): number | undefined;
  dropDead(input: { readonly ids: readonly number[] }): number;
  moveDue(input: { readonly nowMs: number }): Moved;
  putSchedule(input: Schedule): void;
  removeSchedule(input: { readonly name: string }): boolean;
  fireSchedule(input: {
    readonly name: string;
    readonly dueAtMs: number;
    readonly nextAtMs: number | undefined;
    readonly firing: Firing;
  }): number | undefined;
}

/** What reads the log, or takes long. Never inside a transaction of another. */
export interface AskCalls {
  read(input: ReadRequest): LogRead;
  positionAt(input: { readonly timeMs: number }): number;
  listDamaged(input: { readonly limit: number }): readonly DamagedRange[];
  listCursors(input: Nothing): readonly StoredCursor[];
  listTopics(input: Nothing): readonly TopicDeclaration[];
  listDead(input: DeadRequest): readonly DeadRecord[];
  showDead(input: { readonly id: number }): DeadRecordWithBatch | undefined;
  listSchedules(input: Nothing): readonly StoredSchedule[];
  facts(input: Nothing): LogFacts;
  applyRetention(input: Nothing): Promise<readonly Removed[]>;
  check(input: Nothing): Promise<CheckReport>;
  backup(input: { readonly folder: string }): Promise<{ readonly bytes: number }>;
  compact(input: Nothing): Promise<Compacted>;
}

export type WriteMethod = keyof WriteCalls;
export type AskMethod = keyof AskCalls;
export type WriteInput<M extends WriteMethod> = Parameters<WriteCalls[M]>[0];
export type WriteResult<M extends WriteMethod> = ReturnType<WriteCalls[M]>;
export type AskInput<M extends AskMethod> = Parameters<AskCalls[M]>[0];
export type AskResult<M extends AskMethod> = Awaited<ReturnType<AskCalls[M]>>;

export interface WriteCall<M extends WriteMethod = WriteMethod> {
  readonly method: M;
  readonly input: WriteInput<M>;
  /** How many of the group's batches are this call's. */
  readonly batches: number;
}
