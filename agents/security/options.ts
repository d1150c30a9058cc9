import { assertInRange, type Given } from "../option-checks.ts";

export interface SecurityOptions {
  /** Temperature above which the alarm is raised, in degrees Celsius. Default: 45. */
  readonly alertTemperature: number;
}

/** @throws AgentrtError `INVALID_OPTION`, naming the option and what it takes */
export function resolveSecurityOptions(options: Given<SecurityOptions> = {}): SecurityOptions {
  const alertTemperature = options.alertTemperature ?? 45;
  assertInRange("alertTemperature", alertTemperature, -90, 150);
  return Object.freeze({ alertTemperature });
}
