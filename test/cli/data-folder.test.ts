import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { absoluteFolder, stateFolderOf } from "../../src/cli/data-folder.ts";

test("data folder - the platform's place for state", () => {
  const home = "/home/user";
  const on = (platform: NodeJS.Platform, environment: Record<string, string> = {}) =>
    stateFolderOf({ platform, environment, home });
  expect(on("linux")).toBe("/home/user/.local/state/agentrt");
  expect(on("linux", { XDG_STATE_HOME: "/state" })).toBe("/state/agentrt");
  expect(on("linux", { XDG_STATE_HOME: "relative" })).toBe("/home/user/.local/state/agentrt");
  expect(on("darwin")).toBe("/home/user/Library/Application Support/agentrt");
  expect(on("win32", { LOCALAPPDATA: "/local" })).toBe("/local/agentrt");
  expect(on("win32")).toBe("/home/user/AppData/Local/agentrt");
});

test("data folder - without a home nothing is kept", () => {
  expect(stateFolderOf({ platform: "linux", environment: {}, home: "" })).toBeUndefined();
});

test("data folder - a path becomes absolute, a tilde is the home", () => {
  expect(absoluteFolder("data", "/home/user")).toBe(resolve("data"));
  expect(absoluteFolder("/data", "/home/user")).toBe("/data");
  expect(absoluteFolder("~/data", "/home/user")).toBe("/home/user/data");
  expect(absoluteFolder("~", "/home/user")).toBe("/home/user");
  expect(absoluteFolder("~data", "/home/user")).toBe(resolve("~data"));
});
