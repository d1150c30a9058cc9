import { expect, test } from "bun:test";
import { didYouMean, nearestOf } from "../../src/cli/nearest.ts";
import { SETTING_NAMES } from "../../src/cli/settings.ts";

test.each([
  ["lisen", "listen"],
  ["listne", "listen"],
  ["LISTEN", "listen"],
  ["max-mesage-size", "max-message-size"],
  ["dain-timeout", "drain-timeout"],
  ["htp", "http"],
  ["manual", "manual-hold"],
])("nearest - %s means %s", (name, nearest) => {
  expect(nearestOf(name, SETTING_NAMES)).toBe(nearest);
});

test.each(["", "x", "completely-different", "l".repeat(1_000)])(
  "nearest - %p means nothing",
  (name) => {
    expect(nearestOf(name, SETTING_NAMES)).toBeUndefined();
  },
);

test("nearest - the wording is one, and empty where nothing is near", () => {
  expect(didYouMean("hots", ["host"], (name) => `--${name}`)).toBe(" Did you mean --host?");
  expect(didYouMean("zzz", ["host"])).toBe("");
  expect(didYouMean("host", [])).toBe("");
});
