import { type AgentRuntime, TypeSubscription } from "agentrt";
import { AGENT_TYPES, TOPICS } from "../messages.ts";
import type { Given } from "../option-checks.ts";
import { resolveSecurityOptions, type SecurityOptions } from "./options.ts";
import { SecurityAgent } from "./security-agent.ts";

export type { SecurityOptions } from "./options.ts";

/**
 * Registers the agent type `security_agent`, one instance for each room, with its
 * subscriptions to `environment_data` and `security_commands`.
 * @throws AgentrtError `INVALID_OPTION`, `AGENT_TYPE_TAKEN`
 */
export async function registerSecurityAgent(
  runtime: AgentRuntime,
  options: Given<SecurityOptions> = {},
): Promise<void> {
  const resolved = resolveSecurityOptions(options);
  await runtime.registerFactory(AGENT_TYPES.security, () => new SecurityAgent(resolved));
  for (const topicType of [TOPICS.environmentData, TOPICS.securityCommands]) {
    await runtime.addSubscription(new TypeSubscription(topicType, AGENT_TYPES.security));
  }
}
