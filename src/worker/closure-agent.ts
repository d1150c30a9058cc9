import { getLogger } from "@logtape/logtape";
import type { MessageContext } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { AgentTypeOptions } from "../core/agent-type-options.ts";
import { AgentrtError } from "../core/errors.ts";
import type { HandlerResult } from "../core/handler-calls.ts";
import { type MessageType, UnknownPayload } from "../core/message-type.ts";
import { RoutedAgent } from "../core/routed-agent.ts";
import type { AgentRuntime, PublishOptions, SendOptions } from "../core/runtime.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TopicId } from "../core/topic-id.ts";

const logger = getLogger(["agentrt", "worker"]);

/** The agent that a closure runs as. */
export interface ClosureAgent {
  readonly id: AgentId;
  publishMessage(
    message: object,
    topic: TopicId,
    options?: Omit<PublishOptions, "sender">,
  ): Promise<void>;
  sendMessage<R extends object = object>(
    message: object,
    recipient: AgentId,
    options?: Omit<SendOptions, "sender">,
  ): Promise<R | undefined>;
}

/** Handles every message of the agent; for a call it returns the result. */
export type AgentClosure<T extends object> = (
  agent: ClosureAgent,
  message: T,
  context: MessageContext,
) => HandlerResult | Promise<HandlerResult>;

/** What becomes of messages of other types than the closure's: a log line, an error, or nothing. */
export type UnknownTypePolicy = "warn" | "error" | "ignore";

export interface ClosureAgentOptions<T extends object> extends AgentTypeOptions {
  /** The types that the closure takes. Default: all, those that the runtime does not know as `UnknownPayload`. */
  readonly messageTypes?: readonly MessageType<T>[];
  /** Default: none. */
  readonly subscriptions?: readonly Subscription[];
  /** Default: `Closure agent`. */
  readonly description?: string;
  /** Default: `warn`. A call of another type ends without a result, or with `CANNOT_HANDLE` for `error`. */
  readonly unknownType?: UnknownTypePolicy;
}

/**
 * Registers an agent type that is one function, such as one that collects results for the program
 * around it.
 *
 * ```ts
 * await registerClosureAgent(runtime, "results", (_agent, result) => { results.push(result); }, {
 *   messageTypes: [Result],
 *   subscriptions: [new TypeSubscription("results", "results")],
 * });
 * ```
 *
 * @throws AgentrtError as `registerFactory` and `addSubscription`
 */
export async function registerClosureAgent<T extends object = object>(
  runtime: AgentRuntime,
  type: string,
  closure: AgentClosure<T>,
  options: ClosureAgentOptions<T> = {},
): Promise<void> {
  const { messageTypes, subscriptions = [], description, unknownType, ...typeOptions } = options;
  await runtime.registerFactory(
    type,
    () => {
      const agent = new RoutedAgent(description ?? "Closure agent");
      const run = (
        message: object,
        context: MessageContext,
      ): HandlerResult | Promise<HandlerResult> => closure(agent, message as T, context);
      if (messageTypes === undefined) {
        agent.handleAnything(run);
        return agent;
      }
      for (const messageType of messageTypes) {
        agent.handle(messageType, run);
      }
      agent.handleAnything((message) => refuse(agent, message, unknownType ?? "warn"));
      return agent;
    },
    typeOptions,
  );
  for (const messageType of messageTypes ?? []) {
    runtime.addMessageType(messageType);
  }
  for (const subscription of subscriptions) {
    await runtime.addSubscription(subscription);
  }
}

function refuse(agent: RoutedAgent, message: object, policy: UnknownTypePolicy): undefined {
  if (policy === "ignore") {
    return undefined;
  }
  const messageType =
    message instanceof UnknownPayload ? message.dataType : message.constructor.name;
  if (policy === "error") {
    throw new AgentrtError(
      "CANNOT_HANDLE",
      `Closure agent ${agent.id} does not take messages of type ${messageType}.`,
      { data: { agent: agent.id.toString(), messageType } },
    );
  }
  logger.warn("a closure agent got a message of a type that it does not take", {
    agent: agent.id.toString(),
    messageType,
  });
  return undefined;
}
