/** The page of a house that is long at work: its first look is not empty. */
import { expect, test } from "bun:test";
import { GrpcWorkerAgentRuntime, GrpcWorkerAgentRuntimeHost, TopicId } from "agentrt";
import { registerDeviceAgent } from "../../agents/device/index.ts";
import { registerEnvironmentAgent } from "../../agents/environment/index.ts";
import { DeviceCommand, TOPICS } from "../../agents/messages.ts";
import type { Snapshot } from "../../agents/ui/house-view.ts";
import { startUiAgent } from "../../agents/ui/index.ts";
import { waitFor } from "../kit/wait.ts";

const AN_HOUR_MS = 3_600_000;

test("late ui - a page that starts late has the last reading and the devices' states, before anything new is published", async () => {
  await using host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
  await host.start();
  await using home = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  await registerDeviceAgent(home);
  await home.start();
  await registerEnvironmentAgent(home, { name: "kitchen", intervalMs: AN_HOUR_MS, seed: 1 });
  for (const device of ["air_conditioner", "humidifier"] as const) {
    await home.publishMessage(
      DeviceCommand.of({ device, state: "on" }),
      new TopicId(TOPICS.deviceCommands, "kitchen"),
    );
  }
  // One reading, two commands, and the status that each command is confirmed with.
  await waitFor(() => host.report().totals.eventsIn >= 5, { what: "the house to be at work" });
  await using late = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  await late.start();
  // No queries: what the page knows comes from kept values.
  const ui = await startUiAgent(late, { ui: "127.0.0.1:0", deviceQueryIntervalMs: AN_HOUR_MS });
  try {
    const room = await waitFor(
      async () => {
        const state = (await (await fetch(`${ui.url}/api/state`)).json()) as Snapshot;
        const [only] = state.rooms;
        return only !== undefined && only.readings.length > 0 && only.devices.length === 2
          ? only
          : undefined;
      },
      { what: "the room on the late page" },
    );
    expect(room.name).toBe("kitchen");
    expect(room.readings).toHaveLength(1);
    expect(room.devices.map(({ device, state }) => `${device} ${state}`).sort()).toEqual([
      "air_conditioner on",
      "humidifier on",
    ]);
  } finally {
    await ui.close();
  }
  expect(host.report().totals.eventsReplayed).toBeGreaterThanOrEqual(3);
});
