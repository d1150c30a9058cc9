import { COMMAND_NAMES, type CommandName, commandOf, isCommandName } from "./commands/commands.ts";
import { isOptionName, optionOf } from "./commands/options.ts";
import { WORDS } from "./help-words.ts";
import type { Language } from "./language.ts";
import { ROLES } from "./roles.ts";
import { flagOf } from "./setting.ts";
import type { SettingType } from "./setting-types.ts";
import { isSettingName, SETTING_NAMES, settingOf } from "./settings.ts";
import { LOG_LEVELS } from "./settings-common.ts";

/** What can stand where a command line ends, with a few words about it. */
interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** Says that a file's name belongs here, which the shell knows better. */
const FILES: readonly Candidate[] = [{ word: ":files", about: "" }];

/**
 * Completes a command line: one candidate a line, a tab, and what it is; or `:files`.
 * @param words what stands after the program's name; the last one is unfinished and may be empty
 */
export function candidatesFor(words: readonly string[], language: Language): string {
  const joined = joinAssignments(words);
  const last = joined.at(-1) ?? "";
  const line = readLine(joined.slice(0, -1));
  return possible(line, last, language)
    .filter(({ word }) => word === ":files" || word.startsWith(last))
    .map(({ word, about }) => `${word}\t${about}\n`)
    .join("");
}

/** The finished part of a command line. */
interface Line {
  readonly command: CommandName | "demo" | "help" | undefined;
  /** Words after the command that are neither flags nor their values. */
  readonly operands: readonly string[];
  /** The flag whose value comes next. */
  readonly openFlag: string | undefined;
}

function readLine(words: readonly string[]): Line {
  const plain: string[] = [];
  let openFlag: string | undefined;
  for (const word of words) {
    if (openFlag !== undefined) {
      openFlag = undefined;
    } else if (word.startsWith("--")) {
      openFlag = typeOf(word.slice(2))?.placeholder ? word.slice(2) : undefined;
    } else if (!word.startsWith("-")) {
      plain.push(word);
    }
  }
  const [first, ...operands] = plain;
  const command = isCommandName(first) || first === "demo" || first === "help" ? first : undefined;
  return { command, operands, openFlag };
}

function possible(line: Line, last: string, language: Language): readonly Candidate[] {
  const { command, operands, openFlag } = line;
  if (openFlag !== undefined) {
    return valuesOf(openFlag, "");
  }
  const assigned = /^--([a-z-]+)=/.exec(last)?.[1];
  if (assigned !== undefined) {
    return valuesOf(assigned, `${flagOf(assigned)}=`);
  }
  if (last.startsWith("-")) {
    return flagsOf(command, language);
  }
  if (command === undefined || (command === "help" && operands.length === 0)) {
    const own = command === undefined ? [{ word: "demo", about: WORDS.demo[language] }] : [];
    return [
      ...own,
      ...COMMAND_NAMES.map((name) => ({ word: name, about: commandOf(name).about[language] })),
    ];
  }
  if (!isCommandName(command)) {
    return [];
  }
  const { choices, usage } = commandOf(command);
  if (operands.length === 0 && choices !== undefined) {
    return choices.map((word) => ({ word, about: "" }));
  }
  return /^\[?(?:FILE|FOLDER)\]?$/.test(usage.split(" ")[operands.length] ?? "") ? FILES : [];
}

function flagsOf(command: Line["command"], language: Language): readonly Candidate[] {
  const names = isCommandName(command)
    ? [...commandOf(command).options, ...commandOf(command).settings]
    : SETTING_NAMES;
  const help = { word: "--help", about: WORDS.showHelp[language] };
  const version = { word: "--version", about: WORDS.showVersion[language] };
  return [
    ...names.map((name) => {
      const { about } = isOptionName(name) ? optionOf(name) : settingOf(name);
      return { word: flagOf(name), about: about[language].replaceAll("`", "") };
    }),
    ...(command === undefined ? [help, version] : [help]),
  ];
}

function valuesOf(name: string, prefix: string): readonly Candidate[] {
  const type = typeOf(name);
  if (type === undefined) {
    return [];
  }
  if (/^(?:FILE|DIR)/.test(type.placeholder) && prefix === "") {
    return FILES;
  }
  return choicesOf(name, type).map((word) => ({ word: prefix + word, about: "" }));
}

function choicesOf(name: string, { placeholder }: SettingType<unknown>): readonly string[] {
  if (name === "role") {
    return ROLES;
  }
  if (name === "log-level") {
    return LOG_LEVELS;
  }
  // Words in small letters are written as they are; capitals stand for something else.
  return placeholder.split("|").filter((word) => /^[a-z][a-z-]*$/.test(word));
}

function typeOf(name: string): SettingType<unknown> | undefined {
  if (isSettingName(name)) {
    return settingOf(name).type;
  }
  return isOptionName(name) ? optionOf(name).type : undefined;
}

/** bash takes `--role=host` apart into three words, and completes the third. */
function joinAssignments(words: readonly string[]): readonly string[] {
  return words.flatMap((word, index) => {
    const isSign = word === "=" && words[index - 1]?.startsWith("--") === true;
    // Right after the sign nothing of the value is there yet.
    return isSign ? (index === words.length - 1 ? [""] : []) : [word];
  });
}
