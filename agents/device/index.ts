import { type AgentRuntime, TypeSubscription } from "agentrt";
import { AGENT_TYPES, TOPICS } from "../messages.ts";
import type { Given } from "../option-checks.ts";
import { DeviceAgent } from "./device-agent.ts";
import { type DeviceOptions, resolveDeviceOptions } from "./options.ts";

export type { DeviceOptions } from "./options.ts";

/**
 * Registers the agent type `device_agent`, one instance for each room, with its subscriptions
 * to `environment_data` and `device_commands`. It publishes `DeviceStatus` and `DeviceError`
 * on `device_status` and answers `GetDevices` calls with a `DeviceList`.
 * @throws AgentrtError `INVALID_OPTION`, `AGENT_TYPE_TAKEN`
 */
export async function registerDeviceAgent(
  runtime: AgentRuntime,
  options: Given<DeviceOptions> = {},
): Promise<void> {
  const resolved = resolveDeviceOptions(options);
  await runtime.registerFactory(AGENT_TYPES.device, () => new DeviceAgent(resolved));
  for (const topicType of [TOPICS.environmentData, TOPICS.deviceCommands]) {
    await runtime.addSubscription(new TypeSubscription(topicType, AGENT_TYPES.device));
  }
}
