import { AgentrtError } from "../core/errors.ts";

/** @throws AgentrtError `INVALID_OPTION` */
export function wholeNumber(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  const chosen = value ?? fallback;
  if (!Number.isSafeInteger(chosen) || chosen < min || chosen > max) {
    throw invalidOption(name, String(chosen), `a whole number from ${min} to ${max}`);
  }
  return chosen;
}

export function invalidOption(name: string, value: string, allowed: string): AgentrtError {
  return new AgentrtError("INVALID_OPTION", `${name} cannot be ${value}; give ${allowed}.`, {
    data: { option: name },
  });
}
