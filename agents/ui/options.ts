import { assertInRange, assertWholeInRange, type Given } from "../option-checks.ts";
import type { LinkState } from "./house-view.ts";

/** What the page shows of the agent's way to the host. */
export interface HostLink {
  /** The state now. */
  state(): LinkState;
  /** Calls back after each change; the result stops that. */
  onChange(listener: () => void): () => void;
}

export interface UiOptions {
  /** `host:port` of the page; port 0 takes a free one. Default: `127.0.0.1:8081`. */
  readonly ui: string;
  /** Allows to listen beyond loopback, where everybody can switch the devices. Default: false. */
  readonly isInsecureAllowed: boolean;
  /** Further Host headers to accept, for a proxy or a local name. Default: none. */
  readonly allowedHosts: readonly string[];
  /** How far back the chart reaches, in milliseconds, from a minute to a day. Default: 600,000. */
  readonly historyMs: number;
  /** Rooms shown at most, so that made-up topic sources do not fill the memory. Default: 64. */
  readonly maxRooms: number;
  /** Pages open at once at most, each of which holds a connection. Default: 256. */
  readonly maxClients: number;
  /** Alerts kept at most; the oldest goes first. Default: 100. */
  readonly maxAlerts: number;
  /** Time between two looks at what the device agents say, so how late a dead one is noticed, in milliseconds. Default: 2,000. */
  readonly deviceQueryIntervalMs: number;
  /** How long the page waits for the confirmation of a click, in milliseconds. Default: 8,000. */
  readonly confirmTimeoutMs: number;
  /** The runtime's way to the host. Default: what a worker says of itself; without a host it shows as connected. */
  readonly link: HostLink | undefined;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now: () => number;
}

/** Readings kept for one room: more would not be seen on a chart of this width. */
export const MAX_READINGS = 1_000;

/** @throws AgentrtError `INVALID_OPTION`, naming the option and what it takes */
export function resolveUiOptions(options: Given<UiOptions> = {}): UiOptions {
  const resolved: UiOptions = Object.freeze({
    ui: options.ui ?? "127.0.0.1:8081",
    isInsecureAllowed: options.isInsecureAllowed ?? false,
    allowedHosts: Object.freeze([...(options.allowedHosts ?? [])]),
    historyMs: options.historyMs ?? 600_000,
    maxRooms: options.maxRooms ?? 64,
    maxClients: options.maxClients ?? 256,
    maxAlerts: options.maxAlerts ?? 100,
    deviceQueryIntervalMs: options.deviceQueryIntervalMs ?? 2_000,
    confirmTimeoutMs: options.confirmTimeoutMs ?? 8_000,
    link: options.link,
    now: options.now ?? Date.now,
  });
  assertInRange("historyMs", resolved.historyMs, 60_000, 86_400_000);
  assertWholeInRange("maxRooms", resolved.maxRooms, 1, 1_000);
  assertWholeInRange("maxClients", resolved.maxClients, 1, 10_000);
  assertWholeInRange("maxAlerts", resolved.maxAlerts, 1, 1_000);
  assertInRange("deviceQueryIntervalMs", resolved.deviceQueryIntervalMs, 100, 3_600_000);
  assertInRange("confirmTimeoutMs", resolved.confirmTimeoutMs, 100, 600_000);
  return resolved;
}
