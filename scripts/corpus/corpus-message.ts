/** A gRPC message of the corpus. */
export interface CorpusMessage {
  /** Such as `/agents.AgentRpc/OpenChannel`. */
  readonly method: string;
  readonly from: "worker" | "host";
  readonly bytes: Uint8Array;
}

/** One that no conversation is needed for. */
export interface MadeMessage extends CorpusMessage {
  readonly what: string;
}
