import type { AgentFactory, JsonValue } from "./agent.ts";
import { assertAgentType } from "./agent-id.ts";
import { AgentrtError } from "./errors.ts";
import { RoutedAgent } from "./routed-agent.ts";
import type { RegisterOptions } from "./runtime.ts";

/** What a defined agent may have beside its handlers. */
export interface AgentHooks {
  /** State that shall survive a restart; see `Agent.saveState`. Goes with `loadState`. */
  readonly saveState?: () => JsonValue | Promise<JsonValue>;
  readonly loadState?: (state: JsonValue) => void | Promise<void>;
  readonly close?: () => void | Promise<void>;
}

/**
 * What an agent type wants to hear: a topic type, or the beginning of one. A message on a topic
 * goes to the instance whose key is the topic's source.
 */
export type TopicInterest = string | { readonly prefix: string };

export interface AgentDefinition {
  /** The agent type, where the definition says it: `registerAgent` and `agentrt --agent` need it. */
  readonly type?: string;
  /** What `registerAgent` and `agentrt --agent` subscribe the type to. Default: nothing. */
  readonly subscriptions?: readonly TopicInterest[];
  /** The rules under which `registerAgent` and `agentrt --agent` register the type. Default: the runtime's. */
  readonly options?: RegisterOptions;
  /** One line for a person: what the agent does. */
  readonly description: string;
  /**
   * Called once for each instance: adds its handlers. Variables in it are the instance's own
   * state; `agent.id` and `agent.runtime` are known already.
   */
  readonly setup: (
    agent: RoutedAgent,
    // biome-ignore lint/suspicious/noConfusingVoidType: a set-up without hooks returns nothing.
  ) => AgentHooks | void | Promise<AgentHooks | void>;
}

/** A factory that may say itself which agent type it makes, what that type subscribes to, and its rules. */
export interface DefinedAgent extends AgentFactory {
  readonly agentType: string | undefined;
  readonly subscriptions: readonly TopicInterest[];
  readonly options: RegisterOptions;
}

/**
 * An agent type as a function instead of a class; the result goes to `runtime.registerFactory`,
 * or with a `type` to `registerAgent`.
 *
 * ```ts
 * const counter = defineAgent({
 *   description: "Counts readings",
 *   setup(agent) {
 *     let count = 0;
 *     agent.handleEvent(Reading, () => { count += 1; });
 *     agent.handleRpc(GetCount, () => Count.of({ count }));
 *     return { saveState: () => count, loadState: (state) => { count = Number(state); } };
 *   },
 * });
 * await runtime.registerFactory("counter", counter);
 * ```
 *
 * @throws AgentrtError `INVALID_AGENT_ID` for a type that is not legal; `INVALID_OPTION`, when an
 *   instance is made, for `saveState` without `loadState` or the reverse
 */
export function defineAgent(definition: AgentDefinition): DefinedAgent {
  const { type, subscriptions = [], options = {} } = definition;
  if (type !== undefined) {
    assertAgentType(type);
  }
  return Object.assign(factoryOf(definition), {
    agentType: type,
    subscriptions: Object.freeze([...subscriptions]),
    options: Object.freeze({ ...options }),
  });
}

function factoryOf(definition: AgentDefinition): AgentFactory {
  return async (id, runtime) => {
    const agent = new RoutedAgent(definition.description);
    agent.bind(id, runtime);
    const hooks = await setUp(agent, definition);
    return Object.assign(agent, hooks);
  };
}

async function setUp(agent: RoutedAgent, { setup }: AgentDefinition): Promise<AgentHooks> {
  try {
    const hooks = (await setup(agent)) ?? {};
    if ((hooks.saveState === undefined) !== (hooks.loadState === undefined)) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `Agent ${agent.id}: return saveState and loadState together; one alone loses what the other handles.`,
      );
    }
    return hooks;
  } catch (error) {
    // Schedules that the set-up had begun would outlive an agent that never was.
    agent.unbind();
    throw error;
  }
}
