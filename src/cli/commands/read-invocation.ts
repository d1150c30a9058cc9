import { AgentrtError } from "../../core/errors.ts";
import type { ResolvedSettings } from "../resolve-settings.ts";
import { flagOf } from "../setting.ts";
import { SETTING_NAMES } from "../settings.ts";
import { COMMAND_NAMES, type CommandName, commandOf } from "./commands.ts";
import { OPTION_NAMES, type OptionName, type OptionValues, optionOf } from "./options.ts";

/** A flag of a command as it was written. */
export interface GivenOption {
  readonly name: OptionName;
  readonly raw: unknown;
}

/** The words after a command and its flags, checked. */
export interface CommandInput {
  readonly operands: readonly string[];
  readonly options: OptionValues;
}

/**
 * Checks what was written for a command.
 * @throws AgentrtError `INVALID_OPTION`, `UNKNOWN_OPTION`
 */
export function readCommandInput(
  name: CommandName,
  operands: readonly string[],
  given: readonly GivenOption[],
  settings: ResolvedSettings,
): CommandInput {
  const command = commandOf(name);
  const stranger = given.find((option) => !command.options.includes(option.name));
  if (stranger !== undefined) {
    throw doesNothing(name, stranger.name);
  }
  const idle = SETTING_NAMES.find(
    (setting) => settings.originOf(setting).kind === "flag" && !command.settings.includes(setting),
  );
  if (idle !== undefined) {
    throw doesNothing(name, idle);
  }
  const { min } = command.operands;
  const max = command.takesAnyWord === true ? Number.POSITIVE_INFINITY : command.operands.max;
  if (operands.length < min || operands.length > max) {
    const what = operands.length < min ? "Something is missing" : "That is too much";
    throw new AgentrtError("INVALID_OPTION", `${what}: write ${usageOf(name)}.`, {
      data: { command: name },
    });
  }
  return { operands, options: parseOptions(given) };
}

/** @throws AgentrtError `INVALID_OPTION` when flags of commands came without a command */
export function refuseOptions(given: readonly GivenOption[]): void {
  const [first] = given;
  if (first !== undefined) {
    const owners = COMMAND_NAMES.filter((name) => commandOf(name).options.includes(first.name));
    throw new AgentrtError(
      "INVALID_OPTION",
      `${flagOf(first.name)} belongs to the commands ${owners.join(", ")}.`,
      { data: { option: first.name } },
    );
  }
}

/** The command line of a command, such as `agentrt pub TOPIC DATA`. */
export function usageOf(name: CommandName): string {
  return `agentrt ${name} ${commandOf(name).usage}`.trimEnd();
}

function parseOptions(given: readonly GivenOption[]): OptionValues {
  const values = new Map<OptionName, unknown>();
  for (const { name, raw } of given) {
    const parsed = optionOf(name).type.parse(raw);
    if (!parsed.ok) {
      throw new AgentrtError("INVALID_OPTION", `${flagOf(name)}: ${parsed.problem}`, {
        data: { option: name },
      });
    }
    values.set(name, parsed.value);
  }
  // Each value comes from its own option's `parse`, which the table types.
  return Object.freeze(
    Object.fromEntries(OPTION_NAMES.map((name) => [name, values.get(name)])),
  ) as OptionValues;
}

function doesNothing(command: CommandName, flag: string): AgentrtError {
  return new AgentrtError(
    "INVALID_OPTION",
    `${flagOf(flag)} does nothing for agentrt ${command}. "agentrt ${command} --help" lists its flags.`,
    { data: { command } },
  );
}
