import { assertInRange, assertWholeInRange, type Given, invalidOption } from "../option-checks.ts";
import type { AutomaticRule } from "./automatic.ts";

export interface DeviceOptions {
  /** Temperature above which the air conditioner goes on, in degrees Celsius. Default: 28. */
  readonly coolAbove: number;
  /** Temperature below which the air conditioner goes off; less than `coolAbove`. Default: 24. */
  readonly coolUntilBelow: number;
  /** Humidity below which the humidifier goes on, in percent. Default: 35. */
  readonly humidifyBelow: number;
  /** Humidity above which the humidifier goes off; more than `humidifyBelow`. Default: 55. */
  readonly humidifyUntilAbove: number;
  /** How long a person's command holds against the automatic, in milliseconds, from 0 to a week. Default: 1,800,000. */
  readonly manualHoldMs: number;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now: () => number;
}

const WEEK_MS = 7 * 86_400_000;

/** @throws AgentrtError `INVALID_OPTION`, naming the option and what it takes */
export function resolveDeviceOptions(options: Given<DeviceOptions> = {}): DeviceOptions {
  const resolved: DeviceOptions = Object.freeze({
    coolAbove: options.coolAbove ?? 28,
    coolUntilBelow: options.coolUntilBelow ?? 24,
    humidifyBelow: options.humidifyBelow ?? 35,
    humidifyUntilAbove: options.humidifyUntilAbove ?? 55,
    manualHoldMs: options.manualHoldMs ?? 1_800_000,
    now: options.now ?? Date.now,
  });
  assertInRange("coolAbove", resolved.coolAbove, -90, 150);
  assertInRange("coolUntilBelow", resolved.coolUntilBelow, -90, 150);
  assertInRange("humidifyBelow", resolved.humidifyBelow, 0, 100);
  assertInRange("humidifyUntilAbove", resolved.humidifyUntilAbove, 0, 100);
  assertWholeInRange("manualHoldMs", resolved.manualHoldMs, 0, WEEK_MS);
  assertGap("coolUntilBelow", resolved.coolUntilBelow, "coolAbove", resolved.coolAbove);
  assertGap(
    "humidifyBelow",
    resolved.humidifyBelow,
    "humidifyUntilAbove",
    resolved.humidifyUntilAbove,
  );
  return resolved;
}

export function rulesOf(options: DeviceOptions): readonly AutomaticRule[] {
  return [
    {
      device: "air_conditioner",
      quantity: "temperature",
      onWhen: "above",
      onLimit: options.coolAbove,
      offLimit: options.coolUntilBelow,
    },
    {
      device: "humidifier",
      quantity: "humidity",
      onWhen: "below",
      onLimit: options.humidifyBelow,
      offLimit: options.humidifyUntilAbove,
    },
  ];
}

/** Without a gap a device would switch at every reading near the limit. */
function assertGap(lower: string, low: number, higher: string, high: number): void {
  if (low >= high) {
    throw invalidOption(lower, `${lower} is ${low}. It must be less than ${higher}, ${high}.`);
  }
}
