import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DeviceList, DeviceStatus, EnvironmentData, SecurityAlert } from "../../agents/messages.ts";
import { House } from "../../agents/ui/house.ts";
import type { HouseChange } from "../../agents/ui/house-view.ts";

const LIMITS = { historyMs: 60_000, maxReadings: 5, maxRooms: 2, maxAlerts: 3 };
const WARM = EnvironmentData.of({ temperature: 25, humidity: 40 });
const NONE: ReadonlySet<string> = new Set();

function makeHouse() {
  const clock = { nowMs: 1_000_000 };
  const house = new House(LIMITS, () => clock.nowMs);
  const changes: HouseChange[] = [];
  house.onChange((change) => changes.push(change));
  return { house, clock, changes, kinds: () => changes.splice(0).map(({ kind }) => kind) };
}

const status = (state: "on" | "off", reason: string) =>
  DeviceStatus.of({ device: "humidifier", state, reason });

describe("house", () => {
  test("reading - makes the room, and then adds to it", () => {
    const { house, kinds } = makeHouse();
    house.addReading("kitchen", WARM);
    expect(kinds()).toEqual(["room", "reading"]);
    house.addReading("kitchen", WARM);
    expect(kinds()).toEqual(["reading"]);
    expect(house.snapshot().rooms).toEqual([
      {
        name: "kitchen",
        readings: [
          { atMs: 1_000_000, temperature: 25, humidity: 40 },
          { atMs: 1_000_000, temperature: 25, humidity: 40 },
        ],
        areDevicesKnown: false,
        devices: [],
      },
    ]);
  });

  test("history - is bounded in time and in number", () => {
    const { house, clock } = makeHouse();
    const times = () => house.snapshot().rooms[0]?.readings.map(({ atMs }) => atMs - 1_000_000);
    for (let index = 0; index < 8; index += 1) {
      house.addReading("kitchen", WARM);
      clock.nowMs += 10_000;
    }
    expect(times()).toEqual([30_000, 40_000, 50_000, 60_000, 70_000]);
    clock.nowMs = 1_000_000 + 115_000;
    house.addReading("kitchen", WARM);
    expect(times()).toEqual([60_000, 70_000, 115_000]);
  });

  test("rooms - a full house refuses a new one until the quietest was silent for the history", () => {
    const { house, clock, kinds } = makeHouse();
    house.addReading("a", WARM);
    clock.nowMs += 1;
    house.addReading("b", WARM);
    kinds();
    house.addReading("c", WARM);
    expect(kinds()).toEqual([]);
    expect(house.roomNames).toEqual(["a", "b"]);
    clock.nowMs += LIMITS.historyMs - 1;
    house.addReading("c", WARM);
    expect(kinds()).toEqual(["room-gone", "room", "reading"]);
    expect(house.roomNames).toEqual(["b", "c"]);
  });

  test("rooms - a name that is too long makes none", () => {
    const { house } = makeHouse();
    house.addReading("x".repeat(64), WARM);
    house.addReading("x".repeat(65), WARM);
    expect(house.roomNames).toEqual(["x".repeat(64)]);
  });

  test("rooms, alerts, history - stay within their bounds whatever comes", () => {
    const name = fc.oneof(fc.string(), fc.constantFrom("a", "b", "c"));
    const step = fc.record({ name, kind: fc.nat(3), laterMs: fc.nat(40_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const { house, clock } = makeHouse();
        for (const { name: room, kind, laterMs } of steps) {
          clock.nowMs += laterMs;
          if (kind === 0) {
            house.addAlert(room, SecurityAlert.of({ kind: "test", message: "m" }));
          } else if (kind === 1) {
            house.setDevice(room, status("on", "x"));
          } else {
            house.addReading(room, WARM);
          }
          const { rooms, alerts } = house.snapshot();
          expect(rooms.length).toBeLessThanOrEqual(LIMITS.maxRooms);
          expect(alerts.length).toBeLessThanOrEqual(LIMITS.maxAlerts);
          for (const { readings } of rooms) {
            expect(readings.length).toBeLessThanOrEqual(LIMITS.maxReadings);
          }
        }
      }),
    );
  });

  test("device - a status is taken apart, and another program's reason kept as text", () => {
    const { house, kinds } = makeHouse();
    house.setDevice("kitchen", status("on", "automatic: humidity 34.9 is below 35"));
    expect(kinds()).toEqual(["room", "device"]);
    const devices = () => house.snapshot().rooms[0]?.devices;
    expect(devices()).toEqual([
      {
        device: "humidifier",
        state: "on",
        reason: {
          kind: "automatic",
          quantity: "humidity",
          value: 34.9,
          relation: "below",
          limit: 35,
        },
        heldUntil: null,
      },
    ]);
    house.setDevice("kitchen", status("off", "because I say so"));
    expect(devices()?.[0]?.reason).toEqual({ kind: "other", text: "because I say so" });
    const until = "2026-03-01T12:00:01.000Z";
    house.setDevice("kitchen", status("off", `manual: held until ${until}`));
    expect(devices()?.[0]).toMatchObject({ reason: { kind: "manual", until }, heldUntil: until });
  });

  test("device list - does not overwrite a status that came after the question", () => {
    const { house } = makeHouse();
    house.setDevice("kitchen", status("on", "x"));
    const list = DeviceList.of({
      devices: [
        { device: "humidifier", state: "off", reason: "old", held_until: null },
        { device: "air_conditioner", state: "on", reason: "y", held_until: null },
      ],
    });
    house.setDevices("kitchen", list, new Set(["humidifier"]));
    const states = () => house.snapshot().rooms[0]?.devices.map(({ state }) => state);
    expect(states()).toEqual(["on", "on"]);
    house.setDevices("kitchen", list, NONE);
    expect(states()).toEqual(["off", "on"]);
  });

  test("device agent gone - is told once, and keeps what was confirmed last", () => {
    const { house, kinds } = makeHouse();
    house.setDevice("kitchen", status("on", "x"));
    kinds();
    house.loseDevices("kitchen");
    house.loseDevices("kitchen");
    house.loseDevices("nowhere");
    expect(kinds()).toEqual(["devices"]);
    expect(house.snapshot().rooms[0]).toMatchObject({
      areDevicesKnown: false,
      devices: [{ device: "humidifier", state: "on" }],
    });
  });

  test("alerts - newest first, the oldest goes, ids only grow", () => {
    const { house } = makeHouse();
    for (let index = 1; index <= 5; index += 1) {
      house.addAlert("kitchen", SecurityAlert.of({ kind: "test", message: String(index) }));
    }
    expect(house.snapshot().alerts.map(({ id, message }) => [id, message])).toEqual([
      [5, "5"],
      [4, "4"],
      [3, "3"],
    ]);
  });

  test("link - only a change is told", () => {
    const { house, kinds } = makeHouse();
    house.setLink("connected");
    house.setLink("connecting");
    house.setLink("connecting");
    expect(kinds()).toEqual(["link"]);
    expect(house.snapshot().link).toBe("connecting");
  });

  test("error - a device error of an unknown room makes no room", () => {
    const { house, kinds } = makeHouse();
    house.addDeviceError("kitchen", { command: "x", message: "y" });
    expect(kinds()).toEqual([]);
    house.addReading("kitchen", WARM);
    kinds();
    house.addDeviceError("kitchen", { command: "x", message: "y" });
    expect(kinds()).toEqual(["device-error"]);
  });
});
