/**
 * Every way in which agentrt can refuse or fail, as a closed list.
 *
 * `retry` says what the receiver of the error should do: `never` (the same call fails again),
 * `after` (wait, then try again), `now` (try again at once).
 */
export const ERROR_CODES = {
  INVALID_AGENT_ID: { retry: "never", when: "an agent type or key is not legal" },
  INVALID_TOPIC: { retry: "never", when: "a topic type or source is not legal" },
  INVALID_SUBSCRIPTION: { retry: "never", when: "a subscription has no topic or no agent type" },
  INVALID_MESSAGE: { retry: "never", when: "message data does not fit its declared type" },
  UNTYPED_MESSAGE: { retry: "never", when: "a message was not made by a message type" },
  BAD_FRAME: { retry: "never", when: "bytes from a peer are not a frame of the protocol" },
  MISSING_CLIENT_ID: { retry: "never", when: "a call carries no usable client-id metadata" },
  AGENT_TYPE_TAKEN: { retry: "never", when: "another worker holds the agent type" },
  POLICY_CONFLICT: { retry: "never", when: "the agent type is held under another policy" },
  RESERVED_TOPIC: { retry: "never", when: "only the host publishes on the topic" },
  SUBSCRIPTION_EXISTS: { retry: "never", when: "the subscription was made before" },
  NO_SUCH_SUBSCRIPTION: { retry: "never", when: "no subscription has this id" },
  NO_SUCH_AGENT: { retry: "after", when: "no connected worker holds the agent type" },
  WORKER_GONE: { retry: "after", when: "the worker left before it answered" },
  WORKER_REPLACED: { retry: "never", when: "another stream with the same client-id took over" },
  HOST_DRAINING: { retry: "after", when: "the host is stopping" },
  NOT_CONNECTED: { retry: "after", when: "no connection to the host, and the buffer is full" },
  DEADLINE: { retry: "after", when: "no answer came in time" },
  CANCELLED: { retry: "never", when: "the caller gave up" },
  HANDLER_FAILED: { retry: "never", when: "the agent's handler threw" },
  CANNOT_HANDLE: { retry: "never", when: "the agent has no handler for this message type" },
  MESSAGE_DROPPED: {
    retry: "never",
    when: "an intervention handler dropped the call or its answer",
  },
  WRONG_AGENT_CLASS: { retry: "never", when: "an agent instance is not of the expected class" },
  CIRCUIT_OPEN: { retry: "after", when: "the agent type failed too often and rests for a while" },
  QUEUE_FULL: { retry: "after", when: "a bounded queue has no room" },
  DROPPED_OLDEST: {
    retry: "never",
    when: "newer messages had no other room, on a topic that is declared drop-oldest",
  },
  SUPERSEDED: {
    retry: "never",
    when: "a newer message of the same key came, on a topic that is declared keep-latest",
  },
  SLOW_WORKER: { retry: "after", when: "a worker did not read what was sent to it" },
  TOO_LARGE: { retry: "never", when: "a message is over the size limit" },
  TOO_MANY: { retry: "after", when: "a count is over its limit" },
  NOT_SUPPORTED: { retry: "never", when: "the host does not offer what was asked for" },
  RUNTIME_STATE: { retry: "never", when: "the runtime is not started, or is stopped" },
  INVALID_OPTION: { retry: "never", when: "a setting has a value that it cannot have" },
  UNKNOWN_OPTION: { retry: "never", when: "a setting or flag does not exist" },
  CONFIG_UNREADABLE: { retry: "never", when: "the configuration file cannot be read or parsed" },
  LISTEN_REFUSED: { retry: "never", when: "listening there is not allowed without --insecure" },
  ADDRESS_IN_USE: { retry: "after", when: "another process listens on the address" },
  ADDRESS_NOT_ALLOWED: { retry: "never", when: "the system forbids to listen on the address" },
  ADDRESS_NOT_HERE: { retry: "never", when: "this machine does not have the address" },
  STORE_UNUSABLE: { retry: "never", when: "the data folder cannot be opened or written" },
  STORE_FULL: { retry: "after", when: "the disk has no room" },
  STORE_DAMAGED: { retry: "never", when: "stored data cannot be read back" },
  STORE_READ_ONLY: { retry: "after", when: "the data folder may be read but not written" },
  STORE_LOCKED: { retry: "after", when: "another running host uses the data folder" },
  NOT_STORED: { retry: "never", when: "nothing is stored under this name or number" },
  STORE_NEWER: { retry: "never", when: "the data folder was written by a newer version" },
  DURABLE_NEEDS_DATA: {
    retry: "never",
    when: "a topic is durable at a host without a data folder",
  },
  NOT_DURABLE: { retry: "never", when: "a schedule is for a topic that is not durable" },
  STATE_REJECTED: { retry: "never", when: "saved state does not fit the agent" },
  AGENT_FILE_BROKEN: { retry: "never", when: "a file of agents does not load or holds no agent" },
  FILE_EXISTS: { retry: "never", when: "a file is in the way of one that would be written" },
  NEEDS_BUN: { retry: "never", when: "a part that needs Bun was used under another runtime" },
  INTERNAL: { retry: "never", when: "a defect in agentrt itself" },
} as const satisfies Record<string, { retry: Retry; when: string }>;

export type Retry = "never" | "after" | "now";
export type ErrorCode = keyof typeof ERROR_CODES;

export interface AgentrtErrorOptions {
  /** Kept for the local log; never sent to a peer. */
  readonly cause?: unknown;
  /** Facts about the failure for programs, such as the agent type or the limit. */
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

/** The one error class of agentrt. Branch on `code`, never on the message. */
export class AgentrtError extends Error {
  override readonly name = "AgentrtError";
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: AgentrtErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = Object.freeze({ ...options.data });
  }

  /** What the receiver of this error should do; see {@link ERROR_CODES}. */
  get retry(): Retry {
    return ERROR_CODES[this.code].retry;
  }

  /** Normalises anything that was thrown; an AgentrtError comes back as it is. */
  static from(thrown: unknown, code: ErrorCode = "INTERNAL"): AgentrtError {
    if (thrown instanceof AgentrtError) {
      return thrown;
    }
    return new AgentrtError(code, messageOf(thrown), { cause: thrown });
  }
}

/** The text of anything that was thrown, for a log line or a peer. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) {
    return thrown.message === "" ? thrown.name : thrown.message;
  }
  try {
    return String(thrown);
  } catch {
    return "a value that cannot be shown was thrown";
  }
}
