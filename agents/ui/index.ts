import { getLogger } from "@logtape/logtape";
import {
  type AgentRuntime,
  GrpcWorkerAgentRuntime,
  startPageServer,
  TopicId,
  TypeSubscription,
} from "agentrt";
import { AGENT_TYPES, DeviceCommand, DeviceList, SecurityTest, TOPICS } from "../messages.ts";
import type { Given } from "../option-checks.ts";
import { createUiApp, type HomeActions } from "./app.ts";
import { DeviceQueries } from "./device-queries.ts";
import { EventStreams } from "./event-streams.ts";
import { House } from "./house.ts";
import { type HostLink, MAX_READINGS, resolveUiOptions, type UiOptions } from "./options.ts";
import { UiAgent } from "./ui-agent.ts";

export type { HostLink, UiOptions } from "./options.ts";

const logger = getLogger(["agentrt", "agents", "ui"]);

/** A UI agent with its page, until it is closed. */
export interface RunningUi {
  /** Where to open the page: `http://127.0.0.1:8081`. */
  readonly url: string;
  /** Closes the page; the runtime keeps the agent type until it stops. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Registers the agent type `ui_agent` with its subscriptions, and serves the page of the house.
 * The page comes first, so that a port that is taken leaves nothing registered.
 * @throws AgentrtError `INVALID_OPTION`, `LISTEN_REFUSED`, `ADDRESS_IN_USE`, `ADDRESS_NOT_ALLOWED`,
 * `ADDRESS_NOT_HERE`, `AGENT_TYPE_TAKEN`
 */
export async function startUiAgent(
  runtime: AgentRuntime,
  options: Given<UiOptions> = {},
): Promise<RunningUi> {
  const resolved = resolveUiOptions(options);
  const { historyMs, maxRooms, maxAlerts, link } = resolved;
  const house = new House(
    { historyMs, maxRooms, maxAlerts, maxReadings: MAX_READINGS },
    resolved.now,
  );
  const streams = new EventStreams(house, resolved);
  const app = createUiApp({
    house,
    streams,
    actions: actionsOf(runtime, resolved.confirmTimeoutMs),
    options: resolved,
  });
  const server = await startPageServer(app, {
    address: resolved.ui,
    isInsecureAllowed: resolved.isInsecureAllowed,
  }).catch((error: unknown) => {
    streams.close();
    throw error;
  });
  // Results of GetDevices arrive decoded only when the runtime knows their type.
  runtime.addMessageType(DeviceList);
  const queries = new DeviceQueries(runtime, house, resolved.deviceQueryIntervalMs);
  const stopFollowing = followLink(link ?? linkOf(runtime), house, queries);
  const close = async (): Promise<void> => {
    stopFollowing();
    queries.close();
    streams.close();
    await server.stop();
  };
  try {
    await register(runtime, house);
  } catch (error) {
    await close();
    throw error;
  }
  logger.info("ui ready", { url: server.url });
  return Object.freeze({ url: server.url, close });
}

async function register(runtime: AgentRuntime, house: House): Promise<void> {
  await runtime.registerFactory(AGENT_TYPES.ui, () => new UiAgent(house));
  for (const topicType of [TOPICS.environmentData, TOPICS.deviceStatus, TOPICS.securityAlerts]) {
    await runtime.addSubscription(new TypeSubscription(topicType, AGENT_TYPES.ui));
  }
}

function actionsOf(runtime: AgentRuntime, confirmTimeoutMs: number): HomeActions {
  const publish = async (message: object, topicType: string, room: string): Promise<void> => {
    // When the page has given up, a command that still waits for the host must not go out: a
    // device that switches minutes after the click would be a surprise.
    const signal = AbortSignal.timeout(confirmTimeoutMs);
    await runtime.publishMessage(message, new TopicId(topicType, room), { signal });
  };
  return {
    command: async (room, device, state) =>
      await publish(DeviceCommand.of({ device, state }), TOPICS.deviceCommands, room),
    testAlert: async (room) => await publish(SecurityTest.of({}), TOPICS.securityCommands, room),
  };
}

/** A worker knows whether its host is there; other runtimes have no host. */
function linkOf(runtime: AgentRuntime): HostLink | undefined {
  if (!(runtime instanceof GrpcWorkerAgentRuntime)) {
    return undefined;
  }
  return {
    state: () => (runtime.connectionState.kind === "connected" ? "connected" : "connecting"),
    onChange: (listener) => runtime.onConnectionChange(listener),
  };
}

/** Shows the link on the page, and asks the devices anew when it is back: what they did meanwhile was not heard. */
function followLink(link: HostLink | undefined, house: House, queries: DeviceQueries): () => void {
  if (link === undefined) {
    return () => undefined;
  }
  const follow = (): void => {
    const state = link.state();
    house.setLink(state);
    if (state === "connected") {
      queries.askAll();
    }
  };
  follow();
  return link.onChange(follow);
}
