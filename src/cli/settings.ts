import type { Role } from "./roles.ts";
import type { Setting } from "./setting.ts";
import { AGENT_SETTINGS } from "./settings-agents.ts";
import { COMMON_SETTINGS } from "./settings-common.ts";
import { DURABLE_SETTINGS } from "./settings-durable.ts";
import { HOST_SETTINGS } from "./settings-host.ts";
import { LINK_SETTINGS } from "./settings-link.ts";
import { QUEUE_SETTINGS } from "./settings-queues.ts";
import { ROUTING_SETTINGS } from "./settings-routing.ts";
import { SUPERVISION_SETTINGS } from "./settings-supervision.ts";

/**
 * Every setting of agentrt. Flags, help, environment, configuration file and documentation
 * are made from this table and from nothing else.
 */
export const SETTINGS = Object.freeze({
  ...COMMON_SETTINGS,
  ...HOST_SETTINGS,
  ...ROUTING_SETTINGS,
  ...LINK_SETTINGS,
  ...QUEUE_SETTINGS,
  ...DURABLE_SETTINGS,
  ...AGENT_SETTINGS,
  ...SUPERVISION_SETTINGS,
});

export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** The resolved value of each setting. Times in milliseconds, sizes in bytes. */
export type SettingValues = {
  readonly [N in SettingName]: ValueOf<(typeof SETTINGS)[N]>;
};

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** A setting by name, where the type of its value does not matter. */
export function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name];
}

export function isForRoles(name: SettingName, roles: readonly Role[]): boolean {
  const own = settingOf(name).roles;
  return own.length === 0 || own.some((role) => roles.includes(role));
}
