import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfigFile, readConfigText } from "../../src/cli/config-file.ts";
import { AgentrtError } from "../../src/core/errors.ts";

function errorOf(step: () => unknown): [string, string] {
  try {
    step();
  } catch (error) {
    const { code, message } = AgentrtError.from(error);
    return [code, message];
  }
  throw new Error("It did not fail.");
}

test("config file - values keep TOML's types and know their lines", () => {
  const text = `# a comment about listen = 1
listen = "127.0.0.1:1"
"http" = "off"
role = [
  "host",
]
seed = 7
insecure = true
`;
  expect(readConfigText(text, "a.toml")).toEqual([
    { name: "listen", raw: "127.0.0.1:1", origin: { kind: "file", file: "a.toml", line: 2 } },
    { name: "http", raw: "off", origin: { kind: "file", file: "a.toml", line: 3 } },
    { name: "role", raw: ["host"], origin: { kind: "file", file: "a.toml", line: 4 } },
    { name: "seed", raw: 7, origin: { kind: "file", file: "a.toml", line: 7 } },
    { name: "insecure", raw: true, origin: { kind: "file", file: "a.toml", line: 8 } },
  ]);
});

test.each([
  ['listn = "a"', "listn in a.toml line 1 is not a setting. Did you mean listen?"],
  [
    "max_message_size = 1",
    "max_message_size in a.toml line 1 is not a setting. Did you mean max-message-size?",
  ],
  ["\n[host]\nlisten = 1", "host in a.toml line 2 is not a setting. Did you mean host-address?"],
  ["toString = 1", "toString in a.toml line 1 is not a setting."],
  [
    'config = "b.toml"',
    "config in a.toml line 1 has no place in a configuration file. Give it as a flag.",
  ],
])("config file - %p is refused", (text, message) => {
  expect(errorOf(() => readConfigText(text, "a.toml"))).toEqual(["UNKNOWN_OPTION", message]);
});

test("config file - what is no TOML is refused in one line with its place", () => {
  const [code, message] = errorOf(() => readConfigText('seed = 1\nlisten = "x', "a.toml"));
  expect(code).toBe("CONFIG_UNREADABLE");
  expect(message).toMatch(/^a\.toml line 2 column \d+: [^\n]+\.$/);
});

test("config file - a file is read, with or without a byte order mark", () => {
  const folder = mkdtempSync(join(tmpdir(), "agentrt-config-"));
  try {
    const file = join(folder, "agentrt.toml");
    writeFileSync(file, "\uFEFFseed = 1\n");
    expect(readConfigFile(file)).toMatchObject([{ name: "seed", raw: 1 }]);
    expect(errorOf(() => readConfigFile(folder))[0]).toBe("CONFIG_UNREADABLE");
    const missing = join(folder, "none.toml");
    expect(errorOf(() => readConfigFile(missing))).toEqual([
      "CONFIG_UNREADABLE",
      expect.stringMatching(
        /none\.toml cannot be read: ENOENT.*Check the path and its permissions\.$/,
      ),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
