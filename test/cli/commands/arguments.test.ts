import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { candidatesFor } from "../../../src/cli/candidates.ts";
import { commandsPage } from "../../../src/cli/cli-docs.ts";
import { commandHelp } from "../../../src/cli/command-help.ts";
import { COMMAND_NAMES, commandOf } from "../../../src/cli/commands/commands.ts";
import { OPTION_NAMES, optionOf } from "../../../src/cli/commands/options.ts";
import { rateType } from "../../../src/cli/commands/rate-type.ts";
import { readCommandInput } from "../../../src/cli/commands/read-invocation.ts";
import { readFlags } from "../../../src/cli/flags.ts";
import type { HelpOptions } from "../../../src/cli/help.ts";
import { LANGUAGES, type Language } from "../../../src/cli/language.ts";
import { resolveSettings } from "../../../src/cli/resolve-settings.ts";
import { isSettingName } from "../../../src/cli/settings.ts";
import { createStyler } from "../../../src/cli/terminal.ts";
import { AgentrtError } from "../../../src/core/errors.ts";

const MACHINE = { platform: "linux", environment: {}, home: "/home/user" } as const;

function inputOf(...args: string[]) {
  const { command, operands, options, given } = readFlags(args);
  const name = COMMAND_NAMES.find((known) => known === command);
  if (name === undefined) {
    throw new Error(`${command} is no command.`);
  }
  return readCommandInput(name, operands, options, resolveSettings(given, MACHINE));
}

function errorOf(...args: string[]): [string, string] {
  try {
    inputOf(...args);
  } catch (error) {
    const { code, message } = AgentrtError.from(error);
    return [code, message];
  }
  throw new Error("It did not fail.");
}

function wordsAfter(...words: string[]): readonly string[] {
  return candidatesFor(words, "en")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t")[0] ?? "");
}

test("commands - no flag of a command has the name of a setting", () => {
  expect(OPTION_NAMES.filter(isSettingName)).toEqual([]);
});

test("commands - every flag belongs to a command", () => {
  const used = new Set(COMMAND_NAMES.flatMap((name) => commandOf(name).options));
  expect(OPTION_NAMES.filter((name) => !used.has(name))).toEqual([]);
});

test("commands - words, flags and settings in any order", () => {
  const input = inputOf("pub", "--rate", "6/m", "chat", "--host-address", "a:1", "-5", "--json");
  expect(input.operands).toEqual(["chat", "-5"]);
  expect(input.options).toMatchObject({ rate: { messages: 6, perMs: 60_000 }, json: true });
  expect(input.options.count).toBeUndefined();
});

test("commands - a dash alone is standard input, and after two dashes everything is a word", () => {
  expect(inputOf("pub", "chat", "-").operands).toEqual(["chat", "-"]);
  expect(inputOf("pub", "chat", "--", "--json").operands).toEqual(["chat", "--json"]);
});

test("commands - what follows the name of a test run is the runner's, flags too", () => {
  expect(inputOf("test", "--", "folder", "-t", "mean", "more", "--watch").operands).toEqual([
    ...["folder", "-t", "mean", "more", "--watch"],
  ]);
});

test.each<[string[], string, string]>([
  [["new"], "INVALID_OPTION", "Something is missing: write agentrt new NAME."],
  [["new", "a", "b"], "INVALID_OPTION", "That is too much: write agentrt new NAME."],
  [
    ["new", "a", "--watch"],
    "INVALID_OPTION",
    '--watch does nothing for agentrt new. "agentrt new --help" lists its flags.',
  ],
  [
    ["--log-level", "debug", "test"],
    "INVALID_OPTION",
    "agentrt test takes no settings. Write it first: agentrt test …",
  ],
  [
    ["ls"],
    "INVALID_OPTION",
    "Something is missing: write agentrt ls workers|agents|subscriptions|topics.",
  ],
  [["top", "now"], "INVALID_OPTION", "That is too much: write agentrt top."],
  [
    ["ls", "workers", "--rate", "5/s"],
    "INVALID_OPTION",
    '--rate does nothing for agentrt ls. "agentrt ls --help" lists its flags.',
  ],
  [
    ["sub", "chat", "--listen", "127.0.0.1:1"],
    "INVALID_OPTION",
    '--listen does nothing for agentrt sub. "agentrt sub --help" lists its flags.',
  ],
  [
    ["pub", "chat", "x", "--rate", "fast"],
    "INVALID_OPTION",
    '--rate: "fast" is not a rate. Write it as 10/s, 6/m or 1/h, up to 1000000.',
  ],
  [
    ["pub", "chat", "x", "--priority", "hihg"],
    "INVALID_OPTION",
    '--priority: "hihg" is not one of high, normal, low. Did you mean "high"?',
  ],
  [["pub", "chat", "x", "--count"], "INVALID_OPTION", "--count needs a value. Write --count N."],
  [
    ["pub", "chat", "x", "--priorty", "low"],
    "UNKNOWN_OPTION",
    "--priorty is not an option. Did you mean --priority?",
  ],
])("commands - %p is refused", (args, code, message) => {
  expect(errorOf(...args)).toEqual([code, message]);
});

test.each(["0/s", "-1/s", "1.5/s", "1/d", "/s", "1000001/s", ""])("rate - %p is none", (text) => {
  expect(rateType.parse(text).ok).toBe(false);
});

test.each(["1/s", "6/m", "1000000/h"])("rate - %p is read and written", (text) => {
  const parsed = rateType.parse(text);
  expect(parsed.ok && rateType.format(parsed.value)).toBe(text);
});

function help(language: Language): HelpOptions {
  return { language, style: createStyler(false), width: 80, machine: MACHINE };
}

for (const language of LANGUAGES) {
  test(`command help ${language} - names usage, every flag and an example`, () => {
    for (const name of COMMAND_NAMES) {
      const text = commandHelp(name, help(language));
      const { options, settings, about, usage } = commandOf(name);
      expect(text).toContain(about[language]);
      expect(text).toContain(`agentrt ${name} ${usage}`.trimEnd());
      for (const flag of [...options, ...settings, "help"]) {
        expect(text).toContain(`--${flag}`);
      }
      expect(text).not.toContain("`");
    }
  });
}

test("completion - commands first, then what each of them takes", () => {
  expect(wordsAfter("")).toEqual(["demo", ...COMMAND_NAMES]);
  expect(wordsAfter("co")).toEqual(["completion"]);
  expect(wordsAfter("ls", "")).toEqual(["workers", "agents", "subscriptions", "topics"]);
  expect(wordsAfter("ls", "workers", "")).toEqual([]);
  expect(wordsAfter("topic", "")).toEqual(["set", "list", "remove"]);
  expect(wordsAfter("dead", "")).toEqual(["list", "show", "replay", "drop"]);
  expect(wordsAfter("data", "")).toEqual(["check", "backup", "compact"]);
  expect(wordsAfter("topic", "set", "--ret")).toEqual([
    "--retention-age",
    "--retention-count",
    "--retention-size",
  ]);
  expect(wordsAfter("help", "to")).toEqual(["top", "topic"]);
});

test("completion - flags of the command, and of a process without one", () => {
  expect(wordsAfter("top", "--")).toEqual([
    "--every",
    "--connect-timeout",
    "--json",
    "--host-address",
    "--max-message-size",
    "--config",
    "--log-level",
    "--log-format",
    "--help",
  ]);
  expect(wordsAfter("--air")).toEqual(["--air-conditioner-on", "--air-conditioner-off"]);
});

test("completion - values of flags, with both spellings, and as bash takes them apart", () => {
  expect(wordsAfter("pub", "--priority", "")).toEqual(["high", "normal", "low"]);
  expect(wordsAfter("pub", "--priority=l")).toEqual(["--priority=low"]);
  expect(wordsAfter("pub", "--priority", "=", "l")).toEqual(["low"]);
  expect(wordsAfter("pub", "--priority", "=")).toEqual(["high", "normal", "low"]);
  expect(wordsAfter("--role", "sec")).toEqual(["security-agent"]);
  expect(wordsAfter("pub", "--type", "")).toEqual([]);
  expect(wordsAfter("pub", "--json", "--priority", "n")).toEqual(["normal"]);
});

test("completion - where a file belongs the shell is told so", () => {
  expect(wordsAfter("--config", "")).toEqual([":files"]);
  expect(wordsAfter("state", "save", "device_agent/home", "x")).toEqual([":files"]);
  expect(wordsAfter("state", "save", "")).toEqual([]);
  expect(wordsAfter("test", "")).toEqual([":files"]);
  expect(wordsAfter("types", "")).toEqual([":files"]);
  expect(wordsAfter("new", "")).toEqual([]);
  expect(wordsAfter("new", "--")).toEqual(["--json", "--help"]);
});

test("commands page - docs/cli.md is what the table of commands makes", () => {
  const url = new URL("../../../docs/cli.md", import.meta.url);
  // When this fails: bun scripts/write-config-docs.ts
  expect(readFileSync(url, "utf8")).toBe(commandsPage());
});

test("commands - every text is there in both languages, and Chinese where it should be", () => {
  const texts = [
    ...OPTION_NAMES.map((name) => optionOf(name).about),
    ...COMMAND_NAMES.flatMap((name) => {
      const { about, details } = commandOf(name);
      return details === undefined ? [about] : [about, details];
    }),
  ];
  for (const text of texts) {
    expect(text.en).toMatch(/^[\p{ASCII}…]+$/u);
    expect(text.zh).toMatch(/\p{Script=Han}/u);
  }
});
