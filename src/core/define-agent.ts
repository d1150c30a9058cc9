import type { AgentFactory, JsonValue } from "./agent.ts";
import { AgentrtError } from "./errors.ts";
import { RoutedAgent } from "./routed-agent.ts";

/** What a defined agent may have beside its handlers. */
export interface AgentHooks {
  /** State that shall survive a restart; see `Agent.saveState`. Goes with `loadState`. */
  readonly saveState?: () => JsonValue | Promise<JsonValue>;
  readonly loadState?: (state: JsonValue) => void | Promise<void>;
  readonly close?: () => void | Promise<void>;
}

export interface AgentDefinition {
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

/**
 * An agent type as a function instead of a class; the result goes to `runtime.registerFactory`.
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
 * @throws AgentrtError `INVALID_OPTION`, when an instance is made, for `saveState` without `loadState` or the reverse
 */
export function defineAgent(definition: AgentDefinition): AgentFactory {
  return async (id, runtime) => {
    const agent = new RoutedAgent(definition.description);
    agent.bind(id, runtime);
    const hooks = (await definition.setup(agent)) ?? {};
    if ((hooks.saveState === undefined) !== (hooks.loadState === undefined)) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `Agent ${id}: return saveState and loadState together; one alone loses what the other handles.`,
      );
    }
    return Object.assign(agent, hooks);
  };
}
