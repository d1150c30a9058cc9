import type { Environment, Localized } from "./language.ts";
import type { Role } from "./roles.ts";
import type { SettingType } from "./setting-types.ts";

/** What defaults may depend on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly environment: Environment;
  /** The user's home folder; empty when there is none. */
  readonly home: string;
}

/** Where a setting stands in help and documentation. */
export type SettingGroup = "common" | "host" | "limits" | "worker" | "agents";

/**
 * One setting, declared once. Its flag, variable and key come from its name in the table:
 * `drain-timeout` is `--drain-timeout`, `AGENTRT_DRAIN_TIMEOUT` and the key `drain-timeout`.
 */
export interface Setting<T> {
  readonly group: SettingGroup;
  readonly type: SettingType<T>;
  /** The roles that it means something to; empty for every process. */
  readonly roles: readonly Role[];
  fallback(machine: Machine): T;
  /** Says the default where it depends on the machine or is no value. */
  readonly fallbackText?: Localized;
  readonly about: Localized;
  /** For a limit: the failure or attack that it prevents. */
  readonly prevents?: Localized;
  /** True when a configuration file cannot hold it. */
  readonly isNotForFiles?: boolean;
}

/** Keeps the value's type while the table is written. */
export function setting<T>(declared: Setting<T>): Setting<T> {
  return Object.freeze(declared);
}

export function flagOf(name: string): string {
  return `--${name}`;
}

export const VARIABLE_PREFIX = "AGENTRT_";

export function variableOf(name: string): string {
  return VARIABLE_PREFIX + name.replaceAll("-", "_").toUpperCase();
}
