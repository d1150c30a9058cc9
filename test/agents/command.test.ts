import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readCommand, readCommandContent, readCommandText } from "../../agents/device/command.ts";
import { MAX_TEXT_LENGTH } from "../../agents/messages.ts";

describe("device command", () => {
  test("text - device and state with a colon between", () => {
    expect(readCommandText("air_conditioner:on")).toEqual({
      isLegal: true,
      device: "air_conditioner",
      state: "on",
    });
    expect(readCommandText(" humidifier : off ")).toEqual({
      isLegal: true,
      device: "humidifier",
      state: "off",
    });
  });

  test.each([
    ["heater:on", '"heater" is unknown. The devices are air_conditioner and humidifier.'],
    ["humidifier:maybe", '"maybe" is unknown. The states are on and off.'],
    ["humidifier:", "The command names no state. The states are on and off."],
    [":on", "The command names no device. The devices are air_conditioner and humidifier."],
    [
      "humidifier",
      '"humidifier" is not a command. Write DEVICE:STATE, such as air_conditioner:on.',
    ],
    ["a:b:c", '"a:b:c" is not a command. Write DEVICE:STATE, such as air_conditioner:on.'],
    ["air_conditioner:ON", '"ON" is unknown. The states are on and off.'],
  ])("text - %p says what is wrong and what is legal", (text, message) => {
    expect(readCommandText(text)).toEqual({ isLegal: false, command: text, message });
  });

  test("content - a text, an object with the two fields, and nothing else", () => {
    expect(readCommandContent("humidifier:on")).toMatchObject({ isLegal: true });
    expect(readCommandContent({ device: "humidifier", state: "on" })).toMatchObject({
      isLegal: true,
      device: "humidifier",
    });
    for (const content of [null, 7, [], {}, { device: 1, state: "on" }]) {
      expect(readCommandContent(content)).toEqual({
        isLegal: false,
        command: JSON.stringify(content),
        message: `${JSON.stringify(content)} is not a command. Write DEVICE:STATE, such as air_conditioner:on.`,
      });
    }
  });

  test("any text - is refused within the length limit and with the legal values named, or is legal", () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 500 }),
      fc.string({ unit: "binary", maxLength: 500 }),
    );
    fc.assert(
      fc.property(texts, texts, (device, state) => {
        for (const result of [readCommand(device, state), readCommandText(device)]) {
          if (!result.isLegal) {
            expect(result.command.length).toBeLessThanOrEqual(MAX_TEXT_LENGTH);
            expect(result.message.length).toBeLessThanOrEqual(MAX_TEXT_LENGTH);
            expect(result.message).toMatch(/(humidifier\.|on and off\.|air_conditioner:on\.)$/);
          }
        }
      }),
    );
  });
});
