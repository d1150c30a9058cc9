import { expect, test } from "bun:test";
import { checkSettings, warnOfOpenDoors } from "../../src/cli/check-settings.ts";
import { readFlags } from "../../src/cli/flags.ts";
import { type ResolvedSettings, resolveSettings } from "../../src/cli/resolve-settings.ts";
import { AgentrtError } from "../../src/core/errors.ts";

function settingsOf(args: string, environment: Record<string, string> = {}): ResolvedSettings {
  const words = args.split(" ").filter((word) => word !== "");
  const machine = { platform: "linux", environment, home: "/home/user" } as const;
  return resolveSettings(readFlags(words).given, machine);
}

function check(args: string, environment: Record<string, string> = {}): string {
  const settings = settingsOf(args, environment);
  try {
    checkSettings(settings, settings.values.role);
  } catch (error) {
    const { code, message } = AgentrtError.from(error);
    return `${code} ${message}`;
  }
  return "fine";
}

test.each([
  "--role host",
  "--role host,environment-agent,device-agent,security-agent,ui-agent",
  "--role host --listen [::1]:0 --http 127.9.9.9:0",
  "--role host --listen 127.0.0.1:0 --http 127.0.0.1:0",
  "--role host --listen 0.0.0.0:1 --insecure",
  "--role device-agent --air-conditioner-off 27.9 --humidifier-on 54",
  "--role ui-agent --insecure",
  "--role ui-agent --restart-pause 30s",
])("settings check - %s is fine", (args) => {
  expect(check(args)).toBe("fine");
});

test.each([
  [
    "--role host --listen 0.0.0.0:1",
    "LISTEN_REFUSED --listen: Listening on 0.0.0.0:1 is refused: ",
  ],
  ["--role host --http [::]:1", "LISTEN_REFUSED --http: Listening on [::]:1 is refused: "],
  ["--role ui-agent --ui house:1", "LISTEN_REFUSED --ui: Listening on house:1 is refused: "],
  [
    "--role device-agent --air-conditioner-on 24",
    "INVALID_OPTION --air-conditioner-off (default) is 24, but must be below --air-conditioner-on, which is 24.",
  ],
  [
    "--role device-agent --restart-pause 1m",
    "INVALID_OPTION --restart-pause is 1m, but must not be above --restart-pause-max (default), which is 30s.",
  ],
  [
    "--role device-agent --humidifier-on 60",
    "INVALID_OPTION --humidifier-on is 60, but must be below --humidifier-off (default), which is 55.",
  ],
  [
    "--role device-agent,ui-agent --listen a:1",
    "INVALID_OPTION --listen does nothing for device-agent,ui-agent: it belongs to host. Leave it out, or add the role.",
  ],
  [
    "--role host,ui-agent --ui 127.0.0.1:8080",
    "INVALID_OPTION --ui and --http (default) are both 127.0.0.1:8080. Give each an address of its own.",
  ],
])("settings check - %s is refused", (args, start) => {
  expect(check(args)).toStartWith(start);
});

test("settings check - a variable for another role is no mistake, and not looked at", () => {
  expect(check("--role device-agent", { AGENTRT_LISTEN: "0.0.0.0:1" })).toBe("fine");
  expect(check("--role host", { AGENTRT_AIR_CONDITIONER_ON: "3" })).toBe("fine");
});

test("settings check - a variable is named where it is wrong", () => {
  expect(check("--role host", { AGENTRT_LISTEN: "0.0.0.0:1" })).toStartWith(
    "LISTEN_REFUSED AGENTRT_LISTEN: ",
  );
});

test("open doors - each address that others can reach is warned of", () => {
  const warned: string[] = [];
  warnOfOpenDoors(
    settingsOf("--listen 0.0.0.0:1 --ui [::]:2 --insecure"),
    ["host", "ui-agent"],
    (name, address) => warned.push(`${name} ${address}`),
  );
  expect(warned).toEqual(["listen 0.0.0.0:1", "ui [::]:2"]);
});
