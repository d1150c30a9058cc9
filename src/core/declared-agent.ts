import type { Agent, AgentFactory } from "./agent.ts";
import { assertAgentType } from "./agent-id.ts";
import type { DefinedAgent, TopicInterest } from "./define-agent.ts";
import { AgentrtError } from "./errors.ts";
import { RoutedAgent } from "./routed-agent.ts";
import type { AgentRuntime, RegisterOptions } from "./runtime.ts";
import { type Subscription, TypePrefixSubscription, TypeSubscription } from "./subscription.ts";

/** A class of agents that says its own type; instances are made without arguments. */
export interface AgentClass {
  new (): Agent;
  readonly agentType: string;
  /** Default: nothing. */
  readonly subscriptions?: readonly TopicInterest[];
  /** Default: the runtime's. */
  readonly options?: RegisterOptions;
}

/** An agent type with all that a runtime has to know of it. */
export interface DeclaredAgent {
  readonly type: string;
  readonly factory: AgentFactory;
  readonly subscriptions: readonly TopicInterest[];
  readonly options: RegisterOptions;
}

/**
 * Reads an agent type from a value of any kind: what `defineAgent` made with a `type`, or a class
 * that extends `RoutedAgent` and has a static `agentType`. Undefined for everything else.
 * @throws AgentrtError `INVALID_AGENT_ID` for a type that is not legal, `INVALID_OPTION` for
 *   subscriptions or options that are none
 */
export function declaredAgent(value: unknown): DeclaredAgent | undefined {
  if (typeof value !== "function" || !("agentType" in value)) {
    return undefined;
  }
  const { agentType: type } = value;
  if (typeof type !== "string") {
    return undefined;
  }
  assertAgentType(type);
  const subscriptions = interestsOf(type, "subscriptions" in value ? value.subscriptions : []);
  const options = optionsOf(type, "options" in value ? value.options : undefined);
  if (value.prototype instanceof RoutedAgent) {
    const AgentOfType = value as unknown as AgentClass;
    return { type, factory: () => new AgentOfType(), subscriptions, options };
  }
  return { type, factory: value as unknown as AgentFactory, subscriptions, options };
}

/** The subscriptions of a declared agent, each with a fresh id. @throws AgentrtError `INVALID_TOPIC` */
export function subscriptionsOf({ type, subscriptions }: DeclaredAgent): readonly Subscription[] {
  return subscriptions.map((interest) =>
    typeof interest === "string"
      ? new TypeSubscription(interest, type)
      : new TypePrefixSubscription(interest.prefix, type),
  );
}

/**
 * Registers an agent that says its own type, with its subscriptions and options: what `agentrt --agent` does
 * with the agents of a file. `options` go before the agent's own: `{ isolate: false }` runs an
 * isolated one in this thread, as a test wants it.
 *
 * ```ts
 * await registerAgent(runtime, thermostat);
 * ```
 *
 * @throws AgentrtError `INVALID_OPTION` when it has no type, and as `AgentRuntime.registerFactory`
 *   and `addSubscription`
 */
export async function registerAgent(
  runtime: AgentRuntime,
  agent: DefinedAgent | AgentClass,
  options: RegisterOptions = {},
): Promise<void> {
  const declared = declaredAgent(agent);
  if (declared === undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      "The agent says no type. Give defineAgent a type, or the class a static agentType.",
    );
  }
  const subscriptions = subscriptionsOf(declared);
  await runtime.registerFactory(declared.type, declared.factory, {
    ...declared.options,
    ...options,
  });
  for (const subscription of subscriptions) {
    await runtime.addSubscription(subscription);
  }
}

function interestsOf(type: string, value: unknown): readonly TopicInterest[] {
  if (Array.isArray(value) && value.every(isInterest)) {
    return value;
  }
  throw new AgentrtError(
    "INVALID_OPTION",
    `The subscriptions of agent type ${type} are not a list of topic types. Write them as ["readings"], or [{ prefix: "sensors." }].`,
    { data: { agentType: type } },
  );
}

function optionsOf(type: string, value: unknown = {}): RegisterOptions {
  if (typeof value === "object" && value !== null) {
    return value;
  }
  throw new AgentrtError(
    "INVALID_OPTION",
    `The options of agent type ${type} are not an object. Write them as { policy: "shared" }.`,
    { data: { agentType: type } },
  );
}

function isInterest(value: unknown): value is TopicInterest {
  return (
    typeof value === "string" ||
    (typeof value === "object" &&
      value !== null &&
      "prefix" in value &&
      typeof value.prefix === "string")
  );
}
