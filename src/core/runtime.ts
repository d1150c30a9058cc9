import type { Agent, AgentFactory, AgentMetadata, AgentTask, JsonValue } from "./agent.ts";
import type { AgentId } from "./agent-id.ts";
import type { AgentTypeOptions } from "./agent-type-options.ts";
import type { Headers } from "./envelope.ts";
import type { MessageType } from "./message-type.ts";
import type { Priority } from "./priority.ts";
import type { RetainMode } from "./routing-headers.ts";
import type { Subscription } from "./subscription.ts";
import type { TopicId } from "./topic-id.ts";
import type { TypePolicyOptions } from "./type-policy.ts";

export interface PublishOptions {
  /** The publishing agent; left out when the publisher is not one. */
  readonly sender?: AgentId;
  /** Default: a fresh UUID. */
  readonly messageId?: string;
  /** Extra headers, lower-case letters and digits in their names (CloudEvents 1.0, attribute names). */
  readonly headers?: Headers;
  /** Default: `normal`, or what `headers.priority` says. */
  readonly priority?: Priority;
  readonly signal?: AbortSignal;
  /**
   * `true`: the host keeps it as the last value of its topic (type and source), and new subscribers
   * get it at once. `"clear"`: it is published, and the kept value is forgotten. Default: `false`.
   */
  readonly retain?: RetainMode;
  /**
   * On a durable topic: not delivered before this time, in milliseconds since 1970. A topic that is not durable
   * delivers it at once. Default: at once.
   */
  readonly deliverAt?: number;
  /** As `deliverAt`, so many milliseconds from now. */
  readonly delayMs?: number;
  /** Keeps one last value for each key of the topic, instead of one for the topic. Default: none. */
  readonly retainKey?: string;
}

export interface SendOptions
  extends Omit<PublishOptions, "retain" | "retainKey" | "deliverAt" | "delayMs"> {
  /** How long to wait for the answer, in milliseconds. Default: the runtime's call time-out. */
  readonly timeoutMs?: number;
}

/** A class of agents, whatever its constructor takes. */
export type AgentConstructor<T extends Agent> = abstract new (...parameters: never[]) => T;

/** How this runtime treats the instances of an agent type, and who else may hold the type. */
export interface RegisterOptions extends AgentTypeOptions, TypePolicyOptions {}

/**
 * What every runtime offers, whether its agents live in one process or on many machines.
 * The terms are those of AutoGen's AgentRuntime.
 */
export interface AgentRuntime {
  /**
   * Gives a message to every subscriber of a topic.
   * Resolves when the runtime has accepted it, not when it was handled.
   * @throws AgentrtError `UNTYPED_MESSAGE`, `INVALID_MESSAGE`, `RUNTIME_STATE`, `NOT_CONNECTED`, `TOO_LARGE`
   */
  publishMessage(message: object, topic: TopicId, options?: PublishOptions): Promise<void>;

  /**
   * Calls one agent and waits for its result. The result is decoded when its type is known to
   * this runtime and an `UnknownPayload` otherwise; undefined when the handler gave none.
   * @throws AgentrtError as `publishMessage`, and `HANDLER_FAILED`, `NO_SUCH_AGENT`, `WORKER_GONE`, `DEADLINE`, `CANCELLED`
   */
  sendMessage<R extends object = object>(
    message: object,
    recipient: AgentId,
    options?: SendOptions,
  ): Promise<R | undefined>;

  /**
   * Registers an agent type; instances are made when their first message arrives.
   * @throws AgentrtError `AGENT_TYPE_TAKEN`, `POLICY_CONFLICT`, `INVALID_AGENT_ID`, `INVALID_OPTION`
   */
  registerFactory(type: string, factory: AgentFactory, options?: RegisterOptions): Promise<void>;

  /**
   * Registers one instance that exists already; its type serves the keys that were registered so,
   * and no others. It is the caller's own object, so it is neither made anew nor put away.
   * @throws AgentrtError `AGENT_TYPE_TAKEN`; `WRONG_AGENT_CLASS` when others of its type are of another class
   */
  registerAgentInstance(agent: Agent, id: AgentId): Promise<void>;

  /** @throws AgentrtError `SUBSCRIPTION_EXISTS` */
  addSubscription(subscription: Subscription): Promise<void>;

  /** @throws AgentrtError `NO_SUCH_SUBSCRIPTION` */
  removeSubscription(id: string): Promise<void>;

  /** Makes a data type known, so that messages of it arrive decoded. Handlers do this for theirs. */
  addMessageType(type: MessageType): void;

  /**
   * The instance behind an id that lives in this process, made now if need be.
   * @throws AgentrtError `NO_SUCH_AGENT`; `WRONG_AGENT_CLASS` when it is not of the expected class
   */
  tryGetUnderlyingAgentInstance(id: AgentId): Promise<Agent>;
  tryGetUnderlyingAgentInstance<T extends Agent>(
    id: AgentId,
    expected: AgentConstructor<T>,
  ): Promise<T>;

  /**
   * Runs work of a local agent in its turn, as if it were a message: one at a time with the agent's
   * messages, under its time limit and supervision.
   * @throws AgentrtError `NO_SUCH_AGENT`; `WORKER_GONE` while stopping
   */
  enqueueTask(id: AgentId, task: AgentTask): void;

  /** Of an agent in this process: the protocol has no question for others. @throws AgentrtError `NO_SUCH_AGENT` */
  agentMetadata(id: AgentId): Promise<AgentMetadata>;

  /** The state of one agent, wherever it lives. @throws AgentrtError `NO_SUCH_AGENT`, `DEADLINE` */
  agentSaveState(id: AgentId): Promise<JsonValue>;

  /** @throws AgentrtError `STATE_REJECTED`, `NO_SUCH_AGENT`, `DEADLINE` */
  agentLoadState(id: AgentId, state: JsonValue): Promise<void>;

  /** Stores the state of one local agent now, for changes that no message caused. */
  persist(id: AgentId): Promise<void>;

  /** The states of all instances that this process holds now, by `type/key`. */
  saveState(): Promise<Readonly<Record<string, JsonValue>>>;

  loadState(states: Readonly<Record<string, JsonValue>>): Promise<void>;
}
