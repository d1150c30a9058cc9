import { AgentId, type AgentRuntime } from "agentrt";
import { AGENT_TYPES } from "../messages.ts";
import type { Given } from "../option-checks.ts";
import { EnvironmentAgent } from "./environment-agent.ts";
import { type EnvironmentOptions, resolveEnvironmentOptions } from "./options.ts";

export type { EnvironmentOptions } from "./options.ts";

/**
 * Registers the agent type `environment_agent.NAME`, makes its one instance, whose key is the
 * name, and starts it: it publishes `EnvironmentData` on `environment_data`/NAME until the
 * runtime closes it.
 * @throws AgentrtError `INVALID_OPTION`, `AGENT_TYPE_TAKEN` when the room has one already
 */
export async function registerEnvironmentAgent(
  runtime: AgentRuntime,
  options: Given<EnvironmentOptions> = {},
): Promise<void> {
  const resolved = resolveEnvironmentOptions(options);
  const id = new AgentId(`${AGENT_TYPES.environment}.${resolved.name}`, resolved.name);
  const agent = new EnvironmentAgent(resolved);
  await runtime.registerAgentInstance(agent, id);
  agent.start();
}
