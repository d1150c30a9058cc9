/**
 * How long work is done: each step is one turn of the thread, so that appends and reads come in between.
 * @throws AgentrtError `RUNTIME_STATE` when the log was closed meanwhile
 */
export interface Step {
  /** A step that only reads, or writes nothing that must be undone. */
  plain<R>(work: () => R): Promise<R>;
  /** A step that is one transaction. */
  transaction<R>(work: () => R): Promise<R>;
}
