import { Command, CommanderError, Option } from "commander";
import { shorten } from "../core/agent-id.ts";
import { AgentrtError } from "../core/errors.ts";
import { didYouMean } from "./nearest.ts";
import type { Given } from "./origin.ts";
import { ROLES } from "./roles.ts";
import { flagOf } from "./setting.ts";
import { isSettingName, SETTING_NAMES, type SettingName, settingOf } from "./settings.ts";

/** Commands whose words are their own; everything after their name is theirs. */
export const PROJECT_COMMANDS = ["new", "types", "test"] as const;
export const COMMANDS = ["demo", "help", ...PROJECT_COMMANDS] as const;
export type CommandName = (typeof COMMANDS)[number];

/** What a command line asks for. */
export interface Flags {
  readonly command: CommandName | undefined;
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  readonly given: readonly Given[];
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
  return {
    command: commandOf([...operands, ...unknown]),
    wantsHelp: program.getOptionValue("help") === true,
    wantsVersion: program.getOptionValue("version") === true,
    given: SETTING_NAMES.flatMap((name) => givenFor(name, program)),
    isEmpty: args.length === 0,
  };
}

function createProgram(): Command {
  const program = new Command("agentrt").helpOption(false).exitOverride();
  program.configureOutput({ writeErr: () => undefined });
  program.addOption(new Option("-h, --help"));
  program.addOption(new Option("-V, --version"));
  for (const name of SETTING_NAMES) {
    if (settingOf(name).type.placeholder === "") {
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

function givenFor(name: SettingName, program: Command): readonly Given[] {
  const { type } = settingOf(name);
  const attribute = new Option(flagOf(name)).attributeName();
  const value: unknown = program.getOptionValue(attribute);
  if (value === undefined) {
    return [];
  }
  if (type.placeholder === "") {
    return [{ name, raw: value, origin: ORIGIN }];
  }
  if (!Array.isArray(value)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `${flagOf(name)} needs a value. Write ${flagOf(name)} ${type.placeholder}.`,
      { data: { setting: name } },
    );
  }
  // A repeated list adds up; of any other flag the last one counts.
  return [{ name, raw: type.isList ? value.join(",") : value.at(-1), origin: ORIGIN }];
}

function commandOf(words: readonly string[]): CommandName | undefined {
  const [first, second] = words;
  if (first === undefined) {
    return undefined;
  }
  const command = COMMANDS.find((known) => known === first);
  if (command === undefined) {
    throw new AgentrtError(
      "UNKNOWN_OPTION",
      `"${shorten(first)}" is not a command.${didYouMean(first, [...COMMANDS, ...ROLES], spellWord)}`,
      { data: { command: shorten(first) } },
    );
  }
  if (PROJECT_COMMANDS.some((own) => own === command)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `agentrt ${command} takes no settings. Write it first: agentrt ${command} …`,
      { data: { command } },
    );
  }
  if (second !== undefined) {
    throw new AgentrtError(
      "UNKNOWN_OPTION",
      `"${shorten(second)}" is too much: agentrt ${command} takes flags only.`,
      { data: { command } },
    );
  }
  return command;
}

function isSwitch(name: string): boolean {
  return isSettingName(name) ? settingOf(name).type.placeholder === "" : ACTIONS.includes(name);
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
      `${shorten(flag)} takes no value. Write ${isSettingName(name) ? `${flagOf(name)} or ${flagOf(`no-${name}`)}` : flagOf(name)}.`,
      { data: { setting: name } },
    );
  }
  const known = [...SETTING_NAMES, ...ACTIONS];
  return new AgentrtError(
    "UNKNOWN_OPTION",
    `${shorten(flag)} is not an option.${didYouMean(name, known, flagOf)}`,
    { data: { flag: shorten(flag) } },
  );
}
