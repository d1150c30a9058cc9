import type { SettingName } from "../settings.ts";

/** Settings of every command that talks to a host. */
export const DIAL: readonly SettingName[] = [
  "host-address",
  "max-message-size",
  "config",
  "log-level",
  "log-format",
];
