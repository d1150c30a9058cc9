import { expect, test } from "bun:test";
import { readFlags } from "../../src/cli/flags.ts";
import { AgentrtError } from "../../src/core/errors.ts";

function errorOf(...args: string[]): [string, string] {
  try {
    readFlags(args);
  } catch (error) {
    const { code, message } = AgentrtError.from(error);
    return [code, message];
  }
  throw new Error("It did not fail.");
}

function rawOf(...args: string[]): Record<string, unknown> {
  return Object.fromEntries(readFlags(args).given.map(({ name, raw }) => [name, raw]));
}

test("flags - nothing at all is known to be nothing", () => {
  expect(readFlags([])).toEqual({
    command: undefined,
    operands: [],
    options: [],
    wantsHelp: false,
    wantsVersion: false,
    given: [],
    isEmpty: true,
  });
});

test("flags - value after a space or an equals sign, on either side of the command", () => {
  expect(rawOf("--listen", "a:1", "demo", "--http=off")).toEqual({ listen: "a:1", http: "off" });
  expect(readFlags(["--listen", "a:1", "demo"]).command).toBe("demo");
});

test("flags - a repeated list adds up, of others the last counts", () => {
  expect(rawOf("--role=host", "--role=ui-agent", "--ui=a:1", "--ui=a:2")).toEqual({
    role: "host,ui-agent",
    ui: "a:2",
  });
});

test("flags - a switch goes on and off and takes no word after it", () => {
  expect(rawOf("--insecure", "demo")).toEqual({ insecure: true });
  expect(rawOf("--insecure", "--no-insecure")).toEqual({ insecure: false });
  expect(readFlags(["--insecure", "demo"]).command).toBe("demo");
});

test("flags - a negative number is a value", () => {
  expect(rawOf("--air-conditioner-off", "-3")).toEqual({ "air-conditioner-off": "-3" });
});

test("flags - help about whatever can stand first", () => {
  for (const word of ["demo", "help", "new", "ls"]) {
    expect(readFlags(["help", word])).toMatchObject({ command: "help", operands: [word] });
  }
});

test("flags - help and version in both lengths", () => {
  expect(readFlags(["-h"]).wantsHelp).toBe(true);
  expect(readFlags(["--role", "host", "--help"]).wantsHelp).toBe(true);
  expect(readFlags(["-V"]).wantsVersion).toBe(true);
  expect(readFlags(["--version"]).wantsVersion).toBe(true);
});

test.each<[string[], string, string]>([
  [["--lisen=x"], "UNKNOWN_OPTION", "--lisen is not an option. Did you mean --listen?"],
  [["--lisen", "x"], "UNKNOWN_OPTION", "--lisen is not an option. Did you mean --listen?"],
  [["-listen"], "UNKNOWN_OPTION", "-listen is not an option. Did you mean --listen?"],
  [["--vesion"], "UNKNOWN_OPTION", "--vesion is not an option. Did you mean --version?"],
  [["-x"], "UNKNOWN_OPTION", "-x is not an option."],
  [["--toString"], "UNKNOWN_OPTION", "--toString is not an option."],
  [["--__proto__=1"], "UNKNOWN_OPTION", "--__proto__ is not an option."],
  [["--listen"], "INVALID_OPTION", "--listen needs a value. Write --listen ADDR."],
  [["--listen", "--http"], "INVALID_OPTION", "--listen needs a value. Write --listen ADDR."],
  [
    ["--insecure=yes"],
    "INVALID_OPTION",
    "--insecure takes no value. Write --insecure or --no-insecure.",
  ],
  [["--help=1"], "INVALID_OPTION", "--help takes no value. Write --help."],
  [["dmeo"], "UNKNOWN_OPTION", '"dmeo" is not a command. Did you mean agentrt demo?'],
  [["host"], "UNKNOWN_OPTION", '"host" is not a command. Did you mean --role host?'],
  [["--", "--listen"], "UNKNOWN_OPTION", '"--listen" is not a command.'],
  [["demo", "now"], "UNKNOWN_OPTION", '"now" is too much: agentrt demo takes flags only.'],
])("flags - %p is refused", (args, code, message) => {
  expect(errorOf(...args)).toEqual([code, message]);
});
