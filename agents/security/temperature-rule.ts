/** Whether the temperature of a room is in an excursion that has been reported. */
export interface TemperatureRuleState {
  readonly isAlerted: boolean;
}

/** Degrees below the limit at which the rule is armed again; keeps a reading at the limit from repeating the alert. */
export const REARM_GAP = 1;

/** One step of the rule: alerts once for each excursion above the limit. */
export function afterTemperature(
  state: TemperatureRuleState,
  temperature: number,
  limit: number,
): { readonly state: TemperatureRuleState; readonly shouldAlert: boolean } {
  if (!state.isAlerted && temperature > limit) {
    return { state: { isAlerted: true }, shouldAlert: true };
  }
  if (state.isAlerted && temperature < limit - REARM_GAP) {
    return { state: { isAlerted: false }, shouldAlert: false };
  }
  return { state, shouldAlert: false };
}
