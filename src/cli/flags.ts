import { Command, CommanderError, Option } from "commander";
import { shorten } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import { COMMAND_NAMES, type CommandName, commandOf, isCommandName } from "./commands/commands.ts";
import { isOptionName, OPTION_NAMES, optionOf } from "./commands/options.ts";
import type { GivenOption } from "./commands/read-invocation.ts";
import { didYouMean } from "./nearest.ts";
import type { Given } from "./origin.ts";
import { ROLES } from "./roles.ts";
import { flagOf } from "./setting.ts";
import type { SettingType } from "./setting-types.ts";
import { isSettingName, SETTING_NAMES, settingOf } from "./settings.ts";

/** What can stand first beside the commands of the table. */
const OWN_WORDS = ["demo", "help"] as const;
export type FirstWord = (typeof OWN_WORDS)[number] | CommandName;
const FIRST_WORDS: readonly FirstWord[] = [...OWN_WORDS, ...COMMAND_NAMES];

/** What a command line asks for. */
export interface Flags {
  readonly command: FirstWord | undefined;
  /** The words after a command. */
  readonly operands: readonly string[];
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  /** Settings that were written. */
  readonly given: readonly Given[];
  /** Flags of commands that were written. */
  readonly options: readonly GivenOption[];
  /** True when nothing at all was written. */
  readonly isEmpty: boolean;
}

const ACTIONS: readonly string[] = ["help", "version"];
const ORIGIN = { kind: "flag" } as const;

/**
 * Reads a command line, without the program's own name.
 * @throws AgentrtError `UNKNOWN_OPTION` or `INVALID_OPTION`
 */
export function readFlags(args: readonly string[]): Flags {
  const program = createProgram();
  const { operands, unknown } = parse(program, args);
  const stranger = unknown.find((argument) => argument.startsWith("-") && argument !== "-");
  if (stranger !== undefined) {
    throw unknownFlag(stranger);
  }
  const words = [...operands, ...unknown];
  const command = firstWordOf(words);
  if (isCommandName(command) && commandOf(command).takesAnyWord === true && args[0] !== command) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `agentrt ${command} takes no settings. Write it first: agentrt ${command} …`,
      { data: { command } },
    );
  }
  return {
    command,
    operands: words.slice(1),
    wantsHelp: program.getOptionValue("help") === true,
    wantsVersion: program.getOptionValue("version") === true,
    given: SETTING_NAMES.flatMap((name) =>
      rawFor(name, settingOf(name).type, program).map((raw) => ({ name, raw, origin: ORIGIN })),
    ),
    options: OPTION_NAMES.flatMap((name) =>
      rawFor(name, optionOf(name).type, program).map((raw) => ({ name, raw })),
    ),
    isEmpty: args.length === 0,
  };
}

function createProgram(): Command {
  const program = new Command("agentrt").helpOption(false).exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  program.addOption(new Option("-h, --help"));
  program.addOption(new Option("-V, --version"));
  for (const name of [...SETTING_NAMES, ...OPTION_NAMES]) {
    if (isSwitch(name)) {
      program.addOption(new Option(flagOf(name)));
      program.addOption(new Option(flagOf(`no-${name}`)));
    } else {
      // Optional to commander, so that the missing value is ours to explain.
      const option = new Option(`${flagOf(name)} [value]`);
      option.argParser((value: string, earlier: readonly string[] | undefined) => [
        ...(earlier ?? []),
        value,
      ]);
      program.addOption(option);
    }
  }
  return program;
}

function parse(
  program: Command,
  args: readonly string[],
): { operands: readonly string[]; unknown: readonly string[] } {
  try {
    return program.parseOptions([...args]);
  } catch (error) {
    if (error instanceof CommanderError) {
      throw new AgentrtError("INVALID_OPTION", error.message.replace(/^error: /, ""), {
        cause: error,
      });
    }
    throw error;
  }
}

/** What was written for a flag: nothing, or one raw value. */
function rawFor(
  name: string,
  type: SettingType<unknown>,
  program: Command,
): readonly [] | readonly [unknown] {
  const value: unknown = program.getOptionValue(new Option(flagOf(name)).attributeName());
  if (value === undefined) {
    return [];
  }
  if (type.placeholder === "") {
    return [value];
  }
  if (!Array.isArray(value)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${flagOf(name)} needs a value. Write ${flagOf(name)} ${type.placeholder}.`,
      { data: { setting: name } },
    );
  }
  // A repeated list adds up; of any other flag the last one counts.
  return [type.isList ? value.join(",") : value.at(-1)];
}

function firstWordOf(words: readonly string[]): FirstWord | undefined {
  const [first, second] = words;
  if (first === undefined) {
    return undefined;
  }
  const command = FIRST_WORDS.find((known) => known === first);
  if (command === undefined) {
    throw new AgentrtError(
      "UNKNOWN_OPTION",
      `"${shorten(first)}" is not a command.${didYouMean(first, [...FIRST_WORDS, ...ROLES], spellWord)}`,
      { data: { command: shorten(first) } },
    );
  }
  const isHelpOnCommand =
    command === "help" && FIRST_WORDS.some((known) => known === second) && words.length === 2;
  if (second !== undefined && !isCommandName(command) && !isHelpOnCommand) {
    throw new AgentrtError(
      "UNKNOWN_OPTION",
      `"${shorten(second)}" is too much: agentrt ${command} takes flags only.`,
      { data: { command } },
    );
  }
  return command;
}

function isSwitch(name: string): boolean {
  if (isSettingName(name)) {
    return settingOf(name).type.placeholder === "";
  }
  return isOptionName(name) ? optionOf(name).type.placeholder === "" : ACTIONS.includes(name);
}

/** Who writes a role as a command gets the flag. */
function spellWord(name: string): string {
  return ROLES.some((role) => role === name) ? `--role ${name}` : `agentrt ${name}`;
}

function unknownFlag(argument: string): AgentrtError {
  const [flag = ""] = argument.split("=", 1);
  const name = flag.replace(/^--?(?:no-)?/, "");
  if (flag !== argument && isSwitch(name)) {
    return new AgentrtError(
      "INVALID_OPTION",
      `${shorten(flag)} takes no value. Write ${!ACTIONS.includes(name) ? `${flagOf(name)} or ${flagOf(`no-${name}`)}` : flagOf(name)}.`,
      { data: { setting: name } },
    );
  }
  const known = [...SETTING_NAMES, ...OPTION_NAMES, ...ACTIONS];
  return new AgentrtError(
    "UNKNOWN_OPTION",
    `${shorten(flag)} is not an option.${didYouMean(name, known, flagOf)}`,
    { data: { flag: shorten(flag) } },
  );
}
