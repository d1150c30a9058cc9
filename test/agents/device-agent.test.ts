import { describe, expect, test } from "bun:test";
import { AgentId, AgentrtError, type JsonValue, Message, TopicId } from "agentrt";
import { registerDeviceAgent } from "../../agents/device/index.ts";
import {
  DeviceCommand,
  DeviceError,
  DeviceList,
  DeviceStatus,
  EnvironmentData,
  GetDevices,
  TOPICS,
} from "../../agents/messages.ts";
import { startHome } from "./home-kit.ts";

const START_MS = Date.parse("2026-03-01T12:00:00.000Z");

async function startDevices(options: { manualHoldMs?: number } = {}) {
  const { runtime, heard } = await startHome();
  const clock = { nowMs: START_MS };
  await registerDeviceAgent(runtime, { ...options, now: () => clock.nowMs });
  runtime.addMessageType(DeviceList);
  const send = async (message: object, topicType: string, room = "kitchen"): Promise<void> => {
    await runtime.publishMessage(message, new TopicId(topicType, room));
    await runtime.idle();
  };
  return {
    runtime,
    clock,
    /** What was published on `device_status` since the last look. */
    news: (): object[] =>
      heard
        .splice(0)
        .filter(({ type }) => type !== "EnvironmentData")
        .map(({ room, type, data }) => ({ room, type, ...data })),
    read: async (temperature: number, humidity: number, room?: string) =>
      await send(EnvironmentData.of({ temperature, humidity }), TOPICS.environmentData, room),
    command: async (message: object, room?: string) =>
      await send(message, TOPICS.deviceCommands, room),
    list: async (room = "kitchen") =>
      await runtime.sendMessage<DeviceList>(GetDevices.of({}), new AgentId("device_agent", room)),
  };
}

const status = (device: string, state: string, reason: string, room = "kitchen") => ({
  room,
  type: "DeviceStatus",
  device,
  state,
  reason,
});

describe("device agent", () => {
  test("automatic - a status on each change, and none without a change", async () => {
    const { read, news } = await startDevices();
    await read(26, 45);
    expect(news()).toEqual([]);
    await read(28.4, 34.9);
    expect(news()).toEqual([
      status("air_conditioner", "on", "automatic: temperature 28.4 is above 28"),
      status("humidifier", "on", "automatic: humidity 34.9 is below 35"),
    ]);
    await read(28.9, 30);
    expect(news()).toEqual([]);
    await read(23.9, 55.1);
    expect(news()).toEqual([
      status("air_conditioner", "off", "automatic: temperature 23.9 is below 24"),
      status("humidifier", "off", "automatic: humidity 55.1 is above 55"),
    ]);
  });

  test("rooms - each has devices of its own", async () => {
    const { read, news, list } = await startDevices();
    await read(29, 45, "bedroom");
    expect(news()).toEqual([
      status("air_conditioner", "on", "automatic: temperature 29.0 is above 28", "bedroom"),
    ]);
    expect((await list("bedroom"))?.devices.map((one) => one.state)).toEqual(["on", "off"]);
    expect((await list("kitchen"))?.devices.map((one) => one.state)).toEqual(["off", "off"]);
  });

  test.each<[what: string, message: object]>([
    ["DeviceCommand", DeviceCommand.of({ device: "air_conditioner", state: "on" })],
    [
      "text Message",
      new Message({ content: "air_conditioner:on", topic: "device_commands/kitchen" }),
    ],
    [
      "object Message",
      new Message({
        content: { device: "air_conditioner", state: "on" },
        topic: "device_commands/kitchen",
      }),
    ],
  ])(
    "command - a %s switches, holds, and is confirmed also when nothing changes",
    async (_, message) => {
      const { command, read, news, clock } = await startDevices({ manualHoldMs: 60_000 });
      const confirmed = (until: string) =>
        status("air_conditioner", "on", `manual: held until ${until}`);
      await command(message);
      expect(news()).toEqual([confirmed("2026-03-01T12:01:00.000Z")]);
      clock.nowMs += 10_000;
      await command(message);
      expect(news()).toEqual([confirmed("2026-03-01T12:01:10.000Z")]);
      await read(20, 45);
      expect(news()).toEqual([]);
      clock.nowMs += 60_000;
      await read(26, 45);
      expect(news()).toEqual([status("air_conditioner", "on", "automatic: manual hold ended")]);
      await read(23, 45);
      expect(news()).toEqual([
        status("air_conditioner", "off", "automatic: temperature 23.0 is below 24"),
      ]);
    },
  );

  test.each<[sent: object, text: string, message: string]>([
    [
      DeviceCommand.of({ device: "air_conditioner", state: "maybe" }),
      "air_conditioner:maybe",
      '"maybe" is unknown. The states are on and off.',
    ],
    [
      DeviceCommand.decode(new TextEncoder().encode("[1]")),
      ":",
      "The command names no device. The devices are air_conditioner and humidifier.",
    ],
    [
      DeviceCommand.decode(new TextEncoder().encode('{"device":"humidifier","state":true}')),
      "humidifier:true",
      '"true" is unknown. The states are on and off.',
    ],
    [
      new Message({ content: "toaster:on", topic: "device_commands/kitchen" }),
      "toaster:on",
      '"toaster" is unknown. The devices are air_conditioner and humidifier.',
    ],
    [
      new Message({ content: 7, topic: "device_commands/kitchen" }),
      "7",
      "7 is not a command. Write DEVICE:STATE, such as air_conditioner:on.",
    ],
  ])(
    "command - a malformed one is answered with an error event and changes nothing (%#)",
    async (sent, text, message) => {
      const { command, news, list } = await startDevices();
      const before = await list();
      await command(sent);
      expect(news()).toEqual([{ room: "kitchen", type: "DeviceError", command: text, message }]);
      expect(await list()).toEqual(before);
    },
  );

  test("call - a command by call returns its status, a malformed one its error", async () => {
    const { runtime, news } = await startDevices();
    const id = new AgentId("device_agent", "kitchen");
    const good = DeviceCommand.of({ device: "humidifier", state: "on" });
    expect(DeviceStatus.is(await runtime.sendMessage(good, id))).toBe(true);
    const bad = DeviceCommand.of({ device: "humidifier", state: "" });
    runtime.addMessageType(DeviceError);
    expect(DeviceError.is(await runtime.sendMessage(bad, id))).toBe(true);
    await runtime.idle();
    expect(news().map((one) => Reflect.get(one, "type"))).toEqual(["DeviceStatus", "DeviceError"]);
  });

  test("GetDevices - lists every device with its reason and its hold", async () => {
    const { command, list } = await startDevices({ manualHoldMs: 1_000 });
    await command(DeviceCommand.of({ device: "humidifier", state: "on" }));
    const until = "2026-03-01T12:00:01.000Z";
    expect(await list()).toEqual({
      devices: [
        {
          device: "air_conditioner",
          state: "off",
          reason: "start: not switched yet",
          held_until: null,
        },
        {
          device: "humidifier",
          state: "on",
          reason: `manual: held until ${until}`,
          held_until: until,
        },
      ],
    });
  });

  test("state - devices and holds survive a restart, and a hold is not longer than the setting", async () => {
    const id = new AgentId("device_agent", "kitchen");
    const first = await startDevices({ manualHoldMs: 60_000 });
    await first.command(DeviceCommand.of({ device: "humidifier", state: "on" }));
    await first.read(29, 60);
    const saved = await first.runtime.agentSaveState(id);
    await first.runtime.stop();

    const second = await startDevices({ manualHoldMs: 60_000 });
    await second.runtime.agentLoadState(id, saved);
    expect(await second.list()).toEqual(restoredList("2026-03-01T12:01:00.000Z"));
    await second.read(29, 60);
    expect(second.news()).toEqual([]);

    const impatient = await startDevices({ manualHoldMs: 1_000 });
    await impatient.runtime.agentLoadState(id, saved);
    expect(await impatient.list()).toEqual(restoredList("2026-03-01T12:00:01.000Z"));
  });

  test.each<[JsonValue]>([[null], [7], [{}], [{ devices: [{ device: "toaster" }] }]])(
    "state - %j is rejected and changes nothing",
    async (state) => {
      const { runtime, list } = await startDevices();
      const before = await list();
      const loading = runtime.agentLoadState(new AgentId("device_agent", "kitchen"), state);
      const error = await loading.catch((thrown: unknown) => AgentrtError.from(thrown));
      expect(error).toMatchObject({ code: "STATE_REJECTED" });
      expect(await list()).toEqual(before);
    },
  );
});

function restoredList(until: string): DeviceList {
  return {
    devices: [
      {
        device: "air_conditioner",
        state: "on",
        reason: "automatic: temperature 29.0 is above 28",
        held_until: null,
      },
      {
        device: "humidifier",
        state: "on",
        reason: `manual: held until ${until}`,
        held_until: until,
      },
    ],
  };
}
