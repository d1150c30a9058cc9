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

/** What changes the log: calls of one group are one transaction. Batches travel beside the other arguments. */
export interface WriteCalls {
  append(input: Record<string, never>, batches: readonly LogBatch[]): readonly Appended[];
  openCursor(input: CursorRequest & { readonly name: string }): StoredCursor;
  removeCursor(input: { readonly name: string }): boolean;
  commit(input: Commit): void;
}

/** What reads the log, or takes long. Never inside a transaction. */
export interface AskCalls {
  read(input: ReadRequest): LogRead;
  positionAt(input: { readonly timeMs: number }): number;
  listDamaged(input: { readonly limit: number }): readonly DamagedRange[];
  listCursors(input: Record<string, never>): readonly StoredCursor[];
  facts(input: Record<string, never>): LogFacts;
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
