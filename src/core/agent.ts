import type { AgentId } from "./agent-id.ts";
import type { Headers } from "./envelope.ts";
import type { AgentRuntime } from "./runtime.ts";
import type { TopicId } from "./topic-id.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export interface AgentMetadata {
  readonly type: string;
  readonly key: string;
  readonly description: string;
}

/** What a handler knows of the message that it handles. */
export interface MessageContext {
  /** The agent that sent it; undefined when it came from outside an agent. */
  readonly sender: AgentId | undefined;
  /** The topic it was published on; undefined for a direct call. */
  readonly topicId: TopicId | undefined;
  /** True when the sender waits for the handler's result. */
  readonly isRpc: boolean;
  readonly messageId: string;
  readonly headers: Headers;
  /** Aborted when the caller gave up or the runtime stops. */
  readonly signal: AbortSignal;
}

/** One agent instance as a runtime sees it. Most agents extend {@link RoutedAgent} or come from `defineAgent`. */
export interface Agent {
  readonly id: AgentId;
  readonly metadata: AgentMetadata;
  /** Called once by the runtime that made the instance, before its first message. */
  bind(id: AgentId, runtime: AgentRuntime): void;
  /**
   * Handles one message; for a call the result goes back to the caller.
   * Whatever it throws stays with this message: it is logged, and a caller gets it.
   */
  onMessage(message: object, context: MessageContext): Promise<object | undefined>;
  /** State that shall survive a restart, as JSON; undefined when the agent keeps none. */
  saveState?(): JsonValue | Promise<JsonValue>;
  /** @throws AgentrtError `STATE_REJECTED` when the state does not fit */
  loadState?(state: JsonValue): void | Promise<void>;
  /** Lets go of timers and handles when the instance is put away. */
  close?(): void | Promise<void>;
}

/** Makes an agent instance when the first message for its id arrives. */
export type AgentFactory = (id: AgentId, runtime: AgentRuntime) => Agent | Promise<Agent>;
