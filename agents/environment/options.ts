import {
  assertInRange,
  assertWholeInRange,
  type Given,
  invalidOption,
  isRoomName,
  MAX_ROOM_NAME_LENGTH,
} from "../option-checks.ts";

export interface EnvironmentOptions {
  /**
   * The room that it measures: source of its topic and part of its agent type, so letters,
   * digits, `_`, `-` and `.` only. Default: `home`.
   */
  readonly name: string;
  /** Time between two readings in milliseconds, from 100 to a day. Default: 5,000. */
  readonly intervalMs: number;
  /** Makes the readings repeatable: a whole number from 0 to 4,294,967,295. Default: another one at each start. */
  readonly seed: number;
}

const MAX_SEED = 2 ** 32 - 1;
const DAY_MS = 86_400_000;
/** What an agent type takes, which is less than a topic source takes. */
const NAME = /^[\p{L}\p{N}_\-.]+$/u;

/** @throws AgentrtError `INVALID_OPTION`, naming the option and what it takes */
export function resolveEnvironmentOptions(
  options: Given<EnvironmentOptions> = {},
): EnvironmentOptions {
  const name = options.name ?? "home";
  const intervalMs = options.intervalMs ?? 5_000;
  const seed = options.seed ?? Math.floor(Math.random() * MAX_SEED);
  if (!isRoomName(name) || !NAME.test(name)) {
    throw invalidOption(
      "name",
      `name is "${name.slice(0, MAX_ROOM_NAME_LENGTH)}". ` +
        `Use 1 to ${MAX_ROOM_NAME_LENGTH} letters, digits, "_", "-" and ".".`,
    );
  }
  assertInRange("intervalMs", intervalMs, 100, DAY_MS);
  assertWholeInRange("seed", seed, 0, MAX_SEED);
  return Object.freeze({ name, intervalMs, seed });
}
