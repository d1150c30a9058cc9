import { getLogger } from "@logtape/logtape";
import { registerDeviceAgent } from "../../agents/device/index.ts";
import { registerEnvironmentAgent } from "../../agents/environment/index.ts";
import { registerSecurityAgent } from "../../agents/security/index.ts";
import { type HostLink, startUiAgent } from "../../agents/ui/index.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { DeadLetterBuffer } from "../store/dead-letter-buffer.ts";
import { GrpcWorkerAgentRuntime } from "../worker/grpc-worker-runtime.ts";
import { UserAgents } from "./agent-files/user-agents.ts";
import { at } from "./check-settings.ts";
import { dialAddress } from "./dial-address.ts";
import type { AgentRole } from "./roles.ts";
import type { RunContext } from "./run-roles.ts";
import { isolateLimitsOf, supervisionOf } from "./supervision.ts";

const log = getLogger(["agentrt", "cli"]);

export interface RunningAgents {
  /** Where the smart home's page is, when the UI agent is among them. */
  readonly uiUrl: string | undefined;
}

/**
 * Runs agents as one worker. Resolves when the host, which may come later, knows them.
 * @param ownHost the address of the host in the same process
 * @throws AgentrtError naming the setting whose address cannot be had, or the host's refusal
 */
export async function runAgents(
  { settings, store, lifecycle, tracerProvider }: RunContext,
  roles: readonly AgentRole[],
  ownHost: string | undefined,
): Promise<RunningAgents> {
  const { values } = settings;
  const isHostGiven = settings.isGiven("host-address");
  const letters = new DeadLetterBuffer(store, (error) => {
    log.error("dead letters could not be stored", { error: messageOf(error) });
  });
  const runtime = new GrpcWorkerAgentRuntime({
    hostAddress:
      ownHost === undefined || isHostGiven ? values["host-address"] : dialAddress(ownHost),
    // A worker that was killed may still hold the types at the host when it is started again.
    registration: "wait",
    stateStore: store,
    maxMessageBytes: values["max-message-size"],
    compression: values.compression,
    drainTimeoutMs: values["drain-timeout"],
    retainMaxValues: values["retain-max-values"],
    retainMaxBytes: values["retain-max-size"],
    tracerProvider,
    ...supervisionOf(values),
    onDeadLetter: (letter) => letters.add(letter),
  });
  lifecycle.onStop(async () => {
    await runtime.stop();
    letters.flush();
  });

  // Before the start it is enough to name them, so none waits for another.
  let uiUrl: string | undefined;
  for (const role of roles) {
    switch (role) {
      case "environment-agent":
        await registerEnvironmentAgent(runtime, {
          name: values.name,
          intervalMs: values.interval,
          seed: values.seed,
        });
        break;
      case "device-agent":
        await registerDeviceAgent(runtime, {
          coolAbove: values["air-conditioner-on"],
          coolUntilBelow: values["air-conditioner-off"],
          humidifyBelow: values["humidifier-on"],
          humidifyUntilAbove: values["humidifier-off"],
          manualHoldMs: values["manual-hold"],
        });
        break;
      case "security-agent":
        await registerSecurityAgent(runtime, { alertTemperature: values["alert-temperature"] });
        break;
      case "ui-agent": {
        const ui = await startUiAgent(runtime, {
          ui: values.ui,
          isInsecureAllowed: values.insecure,
          allowedHosts: values["allowed-hosts"],
          link: linkOf(runtime),
        }).catch((error: unknown) => {
          throw at(settings, "ui", AgentrtError.from(error));
        });
        lifecycle.onStop(() => ui.close());
        uiUrl = ui.url;
        break;
      }
      case "worker": {
        const agents = new UserAgents({
          runtime,
          paths: values.agent,
          isWatching: values.watch,
          isolate: isolateLimitsOf(values),
        });
        lifecycle.onStop(async () => agents.close());
        await agents.start();
        break;
      }
      default:
        role satisfies never;
    }
  }
  log.info("joining host", { hostAddress: runtime.hostAddress, roles: roles.join(",") });
  await runtime.start({ signal: lifecycle.stopSignal });
  return { uiUrl };
}

function linkOf(runtime: GrpcWorkerAgentRuntime): HostLink {
  return {
    state: () => (runtime.connectionState.kind === "connected" ? "connected" : "connecting"),
    onChange: (listener) => runtime.onConnectionChange(() => listener()),
  };
}
