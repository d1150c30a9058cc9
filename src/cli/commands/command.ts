import type { Io } from "../io.ts";
import type { Localized } from "../language.ts";
import type { ResolvedSettings } from "../resolve-settings.ts";
import type { SettingName } from "../settings.ts";
import type { OptionName, OptionValues } from "./options.ts";

/**
 * One command, declared once. Command line, help, completion and documentation are made from its
 * entry in the table of commands.
 */
export interface Command {
  /** What follows the command's name, such as `TOPIC DATA`; empty when nothing does. */
  readonly usage: string;
  readonly about: Localized;
  /** How many words may follow the command's name. */
  readonly operands: { readonly min: number; readonly max: number };
  /** What the first of these words can be, where that is a closed list. */
  readonly choices?: readonly string[];
  /** Flags that only commands have. */
  readonly options: readonly OptionName[];
  /** Settings that mean something to it; a flag for any other is an error. */
  readonly settings: readonly SettingName[];
  /** Everything after its name is its own, unread; only `--help` is not. */
  readonly takesAnyWord?: true;
  /** More for `agentrt COMMAND --help`. */
  readonly details?: Localized;
  /** Command lines to start from, without the program's name. */
  readonly examples: readonly string[];
  /** Loads its code, which is only needed when it runs. */
  load(): Promise<RunCommand>;
}

/** What a command is given. */
export interface Invocation {
  readonly operands: readonly string[];
  /** Undefined for each option that was not written. */
  readonly options: OptionValues;
  readonly settings: ResolvedSettings;
  readonly io: Io;
}

/** @returns the exit code. @throws AgentrtError, whose line and exit code are the caller's matter */
export type RunCommand = (invocation: Invocation) => Promise<number>;
