import { describe, expect, test } from "bun:test";
import { AgentrtError } from "agentrt";
import { resolveDeviceOptions, rulesOf } from "../../agents/device/options.ts";
import { resolveUiOptions } from "../../agents/ui/options.ts";

function refusal(resolve: () => unknown): unknown {
  try {
    return resolve();
  } catch (error) {
    return AgentrtError.from(error);
  }
}

describe("device options", () => {
  test("defaults - are those of the smart home, also for an explicit undefined", () => {
    const defaults = resolveDeviceOptions();
    expect(defaults).toMatchObject({
      coolAbove: 28,
      coolUntilBelow: 24,
      humidifyBelow: 35,
      humidifyUntilAbove: 55,
      manualHoldMs: 1_800_000,
    });
    expect(resolveDeviceOptions({ coolAbove: undefined, now: undefined })).toEqual(defaults);
    expect(Object.isFrozen(defaults)).toBe(true);
  });

  test("thresholds - become the rules", () => {
    const options = resolveDeviceOptions({ coolAbove: 30, humidifyBelow: 20 });
    expect(rulesOf(options).map(({ onLimit, offLimit }) => [onLimit, offLimit])).toEqual([
      [30, 24],
      [20, 55],
    ]);
  });

  test.each([
    [{ coolAbove: 24 }, "coolUntilBelow is 24. It must be less than coolAbove, 24."],
    [{ humidifyBelow: 60 }, "humidifyBelow is 60. It must be less than humidifyUntilAbove, 55."],
    [{ humidifyUntilAbove: 101 }, "humidifyUntilAbove is 101. Give a number from 0 to 100."],
    [{ manualHoldMs: -1 }, "manualHoldMs is -1. Give a number from 0 to 604800000."],
    [{ manualHoldMs: 0.5 }, "manualHoldMs is 0.5. Give a whole number."],
    [{ coolAbove: Number.NaN }, "coolAbove is NaN. Give a number from -90 to 150."],
  ])("refused - %j", (options, message) => {
    expect(refusal(() => resolveDeviceOptions(options))).toMatchObject({
      code: "INVALID_OPTION",
      message,
    });
  });

  test("bounds - the lowest and highest holds are taken", () => {
    expect(resolveDeviceOptions({ manualHoldMs: 0 }).manualHoldMs).toBe(0);
    expect(resolveDeviceOptions({ manualHoldMs: 604_800_000 }).manualHoldMs).toBe(604_800_000);
  });
});

describe("ui options", () => {
  test("defaults - also for an explicit undefined", () => {
    const defaults = resolveUiOptions();
    expect(defaults).toMatchObject({
      ui: "127.0.0.1:8081",
      isInsecureAllowed: false,
      historyMs: 600_000,
      maxRooms: 64,
      maxClients: 256,
      maxAlerts: 100,
    });
    expect(resolveUiOptions({ ui: undefined, maxRooms: undefined })).toEqual(defaults);
  });

  test.each([
    [{ historyMs: 59_999 }, "historyMs is 59999. Give a number from 60000 to 86400000."],
    [{ maxRooms: 0 }, "maxRooms is 0. Give a number from 1 to 1000."],
    [{ maxClients: 1.5 }, "maxClients is 1.5. Give a whole number."],
    [{ maxAlerts: 1_001 }, "maxAlerts is 1001. Give a number from 1 to 1000."],
  ])("refused - %j", (options, message) => {
    expect(refusal(() => resolveUiOptions(options))).toMatchObject({
      code: "INVALID_OPTION",
      message,
    });
  });
});
