import { describe, expect, test } from "bun:test";
import { AgentrtError, type MessageType } from "agentrt";
import fc from "fast-check";
import {
  cut,
  DeviceCommand,
  DeviceList,
  DeviceStatus,
  EnvironmentData,
  MAX_TEXT_LENGTH,
} from "../../agents/messages.ts";
import { LANGUAGES, TEXTS } from "../../agents/ui/texts.ts";

function decode<T extends object>(type: MessageType<T>, value: unknown): T | AgentrtError {
  try {
    return type.decode(new TextEncoder().encode(JSON.stringify(value)));
  } catch (error) {
    return AgentrtError.from(error);
  }
}

describe("messages", () => {
  test("EnvironmentData - keeps one decimal, and refuses what no sensor of a house gives", () => {
    expect(decode(EnvironmentData, { temperature: 22.56, humidity: 41.04 })).toEqual({
      temperature: 22.6,
      humidity: 41,
    });
    expect(decode(EnvironmentData, { temperature: 151, humidity: 40 })).toMatchObject({
      code: "INVALID_MESSAGE",
      message: "EnvironmentData.temperature: must be from -90 to 150 degrees Celsius",
    });
    expect(decode(EnvironmentData, { temperature: 20, humidity: "40" })).toMatchObject({
      code: "INVALID_MESSAGE",
      message: "EnvironmentData.humidity: must be a number",
    });
  });

  test("DeviceStatus, DeviceList - name the field that is wrong", () => {
    expect(decode(DeviceStatus, { device: "humidifier", state: "ON", reason: "" })).toMatchObject({
      message: "DeviceStatus.state: must be on or off",
    });
    const device = { device: "oven", state: "on", reason: "", held_until: null };
    expect(decode(DeviceList, { devices: [device] })).toMatchObject({
      message: "DeviceList.devices.0.device: must be one of air_conditioner, humidifier",
    });
  });

  test("DeviceCommand - any JSON decodes, to two texts of bounded length", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (device, state) => {
        for (const value of [device, { device, state }]) {
          const command = decode(DeviceCommand, value);
          expect(command).not.toBeInstanceOf(AgentrtError);
          expect(Object.keys(command).sort()).toEqual(["device", "state"]);
        }
      }),
    );
    const long = decode(DeviceCommand, { device: "x".repeat(10_000), state: "on" });
    expect(long).toEqual({ device: `${"x".repeat(MAX_TEXT_LENGTH - 1)}…`, state: "on" });
  });

  test("cut - never longer than asked, never half a character", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 1, max: 20 }),
        (text, length) => {
          expect(cut(text, length).length).toBeLessThanOrEqual(length);
          expect(cut(text, length).isWellFormed()).toBe(true);
        },
      ),
    );
  });
});

describe("texts", () => {
  test("languages - the same places to fill in under every key", () => {
    const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const language of LANGUAGES) {
      for (const [key, text] of Object.entries(TEXTS[language])) {
        expect(text).not.toBe("");
        expect([key, places(text)]).toEqual([
          key,
          places(TEXTS.en[key as keyof (typeof TEXTS)["en"]]),
        ]);
      }
    }
  });
});
