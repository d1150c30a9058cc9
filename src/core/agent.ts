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
  /**
   * Called by the runtime when the instance gets no more messages, before `close`: what `bind` began
   * ends here, such as timers. Must not throw.
   */
  unbind?(): void;
  /** False while the instance has to stay although it gets no messages. Left out: it need not stay. */
  canBePutAway?(): boolean;
  /** Lets go of handles when the instance is put away. */
  close?(): void | Promise<void>;
}

/** Work of an agent that no message brought, such as a timer's; see `AgentRuntime.enqueueTask`. */
export interface AgentTask {
  /** For the log, such as `every 1000 ms`. */
  readonly name: string;
  /** Runs it; what it throws is treated as what a handler throws. */
  readonly run: (signal: AbortSignal) => unknown;
  /** Called once when it has run, or will not. */
  readonly onEnd: () => void;
}

/** Makes an agent instance when the first message for its id arrives. */
export type AgentFactory = (id: AgentId, runtime: AgentRuntime) => Agent | Promise<Agent>;
