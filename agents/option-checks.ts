import { AgentrtError } from "agentrt";

/** Longest name of a room; longer ones would not fit a page, and a peer could fill the memory with them. */
export const MAX_ROOM_NAME_LENGTH = 64;

/** Options as a caller may give them: any left out, or explicitly undefined, takes its default. */
export type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** @throws AgentrtError `INVALID_OPTION` unless `low <= value <= high` */
export function assertInRange(option: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw invalidOption(option, `${option} is ${value}. Give a number from ${low} to ${high}.`);
  }
}

/** @throws AgentrtError `INVALID_OPTION` unless it is a whole number and `low <= value <= high` */
export function assertWholeInRange(option: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value)) {
    throw invalidOption(option, `${option} is ${value}. Give a whole number.`);
  }
  assertInRange(option, value, low, high);
}

export function isRoomName(text: string): boolean {
  return text.length > 0 && text.length <= MAX_ROOM_NAME_LENGTH;
}

export function invalidOption(option: string, message: string): AgentrtError {
  return new AgentrtError("INVALID_OPTION", message, { data: { option } });
}
