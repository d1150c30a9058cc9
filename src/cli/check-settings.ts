import { AgentrtError } from "../core/errors.ts";
import {
  assertListenAllowed,
  isLoopbackHost,
  parseListenAddress,
} from "../security/listen-rule.ts";
import { formatDuration } from "./quantity-types.ts";
import type { ResolvedSettings } from "./resolve-settings.ts";
import type { Role } from "./roles.ts";
import { flagOf } from "./setting.ts";
import { isForRoles, SETTING_NAMES, type SettingName, settingOf } from "./settings.ts";

/**
 * The rules that concern more than one setting, for a process with these roles.
 * @throws AgentrtError `INVALID_OPTION`, `LISTEN_REFUSED`
 */
export function checkSettings(settings: ResolvedSettings, roles: readonly Role[]): void {
  checkFlagsHaveEffect(settings, roles);
  const { values } = settings;
  if (roles.includes("device-agent")) {
    checkOrder(settings, "air-conditioner-off", "air-conditioner-on");
    checkOrder(settings, "humidifier-on", "humidifier-off");
  }
  if (roles.includes("worker") && values.agent.length === 0) {
    throw new AgentrtError(
      "INVALID_OPTION",
      "The role worker needs a file of agents. Add --agent FILE, or make a project with agentrt new NAME.",
      { data: { setting: "agent" } },
    );
  }
  if (values["restart-pause"] > values["restart-pause-max"]) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${settings.whereIs("restart-pause")} is ${formatDuration(values["restart-pause"])}, but must not be above ${settings.whereIs("restart-pause-max")}, which is ${formatDuration(values["restart-pause-max"])}.`,
      { data: { setting: "restart-pause" } },
    );
  }
  const doors = openDoors(settings, roles);
  for (const [name, address] of doors) {
    try {
      assertListenAllowed(address, values.insecure);
    } catch (error) {
      throw at(settings, name, AgentrtError.from(error));
    }
  }
  checkDoorsDiffer(settings, doors);
}

/** Calls `warn` for each address that other machines can reach. */
export function warnOfOpenDoors(
  settings: ResolvedSettings,
  roles: readonly Role[],
  warn: (setting: SettingName, address: string) => void,
): void {
  for (const [name, address] of openDoors(settings, roles)) {
    if (!isLoopbackHost(parseListenAddress(address).host)) {
      warn(name, address);
    }
  }
}

/** The addresses that this process listens on, by setting. */
function openDoors(
  { values }: ResolvedSettings,
  roles: readonly Role[],
): readonly (readonly [SettingName, string])[] {
  const doors: (readonly [SettingName, string])[] = [];
  if (roles.includes("host")) {
    doors.push(["listen", values.listen]);
    if (values.http !== undefined) {
      doors.push(["http", values.http]);
    }
  }
  if (roles.includes("ui-agent")) {
    doors.push(["ui", values.ui]);
  }
  return doors;
}

/** A variable or a file may serve many processes; a flag was written for this one, and would do nothing. */
function checkFlagsHaveEffect(settings: ResolvedSettings, roles: readonly Role[]): void {
  const idle = SETTING_NAMES.find(
    (name) => settings.originOf(name).kind === "flag" && !isForRoles(name, roles),
  );
  if (idle !== undefined) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${flagOf(idle)} does nothing for ${roles.join(",")}: it belongs to ${settingOf(idle).roles.join(", ")}. Leave it out, or add the role.`,
      { data: { setting: idle } },
    );
  }
}

function checkOrder(
  settings: ResolvedSettings,
  lower: "air-conditioner-off" | "humidifier-on",
  upper: "air-conditioner-on" | "humidifier-off",
): void {
  const { [lower]: low, [upper]: high } = settings.values;
  if (low >= high) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${settings.whereIs(lower)} is ${low}, but must be below ${settings.whereIs(upper)}, which is ${high}.`,
      { data: { setting: lower } },
    );
  }
}

function checkDoorsDiffer(
  settings: ResolvedSettings,
  doors: readonly (readonly [SettingName, string])[],
): void {
  const taken = new Map<string, SettingName>();
  for (const [name, address] of doors) {
    const first = taken.get(address);
    if (first !== undefined && parseListenAddress(address).port !== 0) {
      throw new AgentrtError(
        "INVALID_OPTION",
        `${settings.whereIs(name)} and ${settings.whereIs(first)} are both ${address}. Give each an address of its own.`,
        { data: { setting: name } },
      );
    }
    taken.set(address, name);
  }
}

/** The same error with the setting's place before its text. */
export function at(
  settings: ResolvedSettings,
  name: SettingName,
  error: AgentrtError,
): AgentrtError {
  return new AgentrtError(error.code, `${settings.whereIs(name)}: ${error.message}`, {
    cause: error,
    data: { ...error.data, setting: name },
  });
}
