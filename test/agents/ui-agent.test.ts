import { afterEach, describe, expect, test } from "bun:test";
import {
  AgentrtError,
  GrpcWorkerAgentRuntime,
  type SingleThreadedAgentRuntime,
  TopicId,
} from "agentrt";
import { registerDeviceAgent } from "../../agents/device/index.ts";
import { DeviceCommand, EnvironmentData, TOPICS } from "../../agents/messages.ts";
import { registerSecurityAgent } from "../../agents/security/index.ts";
import type { Snapshot } from "../../agents/ui/house-view.ts";
import { type RunningUi, startUiAgent, type UiOptions } from "../../agents/ui/index.ts";
import { startHome } from "./home-kit.ts";

const running: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const part of running.splice(0).reverse()) {
    await part.close();
  }
});

async function startUi(options: Partial<UiOptions> = {}) {
  const { runtime } = await startHome();
  running.push({ close: async () => await runtime.stop() });
  const ui = await startUiAgent(runtime, { ui: "127.0.0.1:0", ...options });
  running.push(ui);
  return { runtime, ui };
}

async function read(runtime: SingleThreadedAgentRuntime, room = "kitchen"): Promise<void> {
  const data = EnvironmentData.of({ temperature: 26, humidity: 40 });
  await runtime.publishMessage(data, new TopicId(TOPICS.environmentData, room));
  await runtime.idle();
}

/** The state as the page would see it, once the condition holds. */
async function stateWhen(ui: RunningUi, holds: (state: Snapshot) => boolean): Promise<Snapshot> {
  for (;;) {
    const state = (await (await fetch(`${ui.url}/api/state`)).json()) as Snapshot;
    if (holds(state)) {
      return state;
    }
  }
}

async function post(ui: RunningUi, path: string, body: object): Promise<number> {
  const response = await fetch(`${ui.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await response.text();
  return response.status;
}

describe("ui agent", () => {
  test("new room - the confirmed states are asked for at once", async () => {
    const { runtime, ui } = await startUi();
    await registerDeviceAgent(runtime);
    const topic = new TopicId(TOPICS.deviceCommands, "kitchen");
    // Before the page knew the room, so only an answer to GetDevices can tell it.
    await runtime.publishMessage(DeviceCommand.of({ device: "humidifier", state: "on" }), topic);
    await runtime.idle();
    await read(runtime);
    const state = await stateWhen(ui, ({ rooms }) => rooms[0]?.areDevicesKnown === true);
    expect(state.rooms[0]?.devices.map((one) => [one.device, one.state])).toEqual([
      ["humidifier", "on"],
      ["air_conditioner", "off"],
    ]);
  });

  test("click - a command goes out and its confirmation comes in", async () => {
    const { runtime, ui } = await startUi();
    await registerDeviceAgent(runtime);
    await read(runtime);
    const command = { room: "kitchen", device: "air_conditioner", state: "on" };
    expect(await post(ui, "/api/commands", command)).toBe(202);
    const isOn = ({ rooms }: Snapshot): boolean =>
      rooms[0]?.devices.some(
        ({ device, state }) => device === "air_conditioner" && state === "on",
      ) === true;
    const state = await stateWhen(ui, isOn);
    const device = state.rooms[0]?.devices.find((one) => one.device === "air_conditioner");
    expect(device?.reason.kind).toBe("manual");
    expect(Date.parse(device?.heldUntil ?? "")).toBeGreaterThan(Date.now());
  });

  test("test alarm - comes back as an alert", async () => {
    const { runtime, ui } = await startUi();
    await registerSecurityAgent(runtime);
    await read(runtime);
    expect(await post(ui, "/api/security-test", { room: "kitchen" })).toBe(202);
    const state = await stateWhen(ui, ({ alerts }) => alerts.length > 0);
    expect(state.alerts).toMatchObject([{ id: 1, room: "kitchen", kind: "test" }]);
  });

  test("no device agent - the room says so, and finds one that comes later", async () => {
    const { runtime, ui } = await startUi({ deviceQueryIntervalMs: 100 });
    await read(runtime);
    const state = await stateWhen(ui, ({ rooms }) => rooms.length === 1);
    expect(state.rooms[0]).toMatchObject({ areDevicesKnown: false, devices: [] });
    await registerDeviceAgent(runtime);
    await stateWhen(ui, ({ rooms }) => rooms[0]?.areDevicesKnown === true);
  });

  test("link - is followed until the page closes", async () => {
    const listeners = new Set<() => void>();
    let state: "connected" | "connecting" = "connecting";
    const { ui } = await startUi({
      link: {
        state: () => state,
        onChange: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    });
    await stateWhen(ui, ({ link }) => link === "connecting");
    state = "connected";
    for (const listener of listeners) {
      listener();
    }
    await stateWhen(ui, ({ link }) => link === "connected");
    await ui.close();
    expect(listeners.size).toBe(0);
  });

  test("link - a worker that has not reached its host shows as connecting", async () => {
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress: "127.0.0.1:1" });
    running.push({ close: async () => await runtime.stop() });
    const ui = await startUiAgent(runtime, { ui: "127.0.0.1:0" });
    running.push(ui);
    const response = await fetch(`${ui.url}/api/state`);
    expect(await response.json()).toMatchObject({ link: "connecting", rooms: [] });
  });

  test("close - frees the port, ends the streams, and is safe to call twice", async () => {
    const { ui } = await startUi();
    const stream = await fetch(`${ui.url}/api/events`);
    await Promise.all([ui.close(), ui.close()]);
    expect(await stream.text()).toContain("event: snapshot");
    await expect(fetch(ui.url)).rejects.toThrow();
  });

  test("port taken - nothing is registered", async () => {
    const { runtime, ui } = await startUi();
    const address = new URL(ui.url).host;
    const { runtime: second } = await startHome();
    running.push({ close: async () => await second.stop() });
    const failed = startUiAgent(second, { ui: address });
    const error = await failed.catch((thrown: unknown) => AgentrtError.from(thrown));
    expect(error).toMatchObject({ code: "ADDRESS_IN_USE" });
    await second.registerFactory("ui_agent", () => Promise.reject(new Error("unused")));
    // And one that is registered already leaves the port free again.
    const again = startUiAgent(runtime, { ui: "127.0.0.1:0" });
    expect(await again.catch((thrown: unknown) => AgentrtError.from(thrown))).toMatchObject({
      code: "AGENT_TYPE_TAKEN",
    });
  });
});
