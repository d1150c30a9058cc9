import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentrtBinary, type ProcessOptions, startAgentrt, startProcess } from "../kit/process.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PLAIN = { LANG: "C", LC_ALL: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };

async function runToEnd(args: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  await using child = startAgentrt(args, {
    ...options,
    env: { ...PLAIN, AGENTRT_LOG_FORMAT: undefined, ...options.env },
  });
  const code = await child.waitForExit();
  return { code, stdout: child.stdout, stderr: child.stderr };
}

test("cli - alone it shows the two commands of a newcomer and ends well", async () => {
  const { code, stdout, stderr } = await runToEnd([]);
  expect([code, stderr]).toEqual([0, ""]);
  const [first, second] = stdout.split("\n");
  expect(first).toStartWith("  agentrt demo ");
  expect(second).toStartWith("  agentrt --role host ");
});

test("cli - version, commit and target on one line", async () => {
  const { code, stdout } = await runToEnd(["--version"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^agentrt \d+\.\d+\.\d+ \([\w-]+, \w+-\w+\)\n$/);
});

test("cli - help speaks the language of the environment", async () => {
  expect((await runToEnd(["--help"])).stdout).toContain("Usage:");
  expect((await runToEnd(["--help"], { env: { LANG: "zh_CN.UTF-8" } })).stdout).toContain("用法：");
  const both = { LANG: "zh_CN.UTF-8", LC_ALL: "en_US.UTF-8" };
  expect((await runToEnd(["help"], { env: both })).stdout).toContain("Usage:");
});

test("cli - colours go to a terminal only, unless forced", async () => {
  expect((await runToEnd(["--help"])).stdout).not.toContain("\u001b");
  expect((await runToEnd(["--help"], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[");
  const both = { FORCE_COLOR: "1", NO_COLOR: "1" };
  expect((await runToEnd(["--help"], { env: both })).stdout).not.toContain("\u001b");
});

test("cli - a reader that closes early is no failure", async () => {
  await using shell = startProcess([
    "bash",
    "-c",
    'set -o pipefail; "$1" --help | head -n 1',
    "bash",
    agentrtBinary(),
  ]);
  expect(await shell.waitForExit()).toBe(0);
  expect(shell.stdout.split("\n")).toHaveLength(2);
  expect(shell.stderr).toBe("");
});

test.each<[string[], string]>([
  [
    ["--role", "host", "--lisen", "x"],
    'agentrt: --lisen is not an option. Did you mean --listen? "agentrt --help" lists all. [UNKNOWN_OPTION]\n',
  ],
  [
    ["--role", "hots"],
    'agentrt: --role: "hots" is not one of host, environment-agent, device-agent, security-agent, ui-agent, worker. Did you mean "host"? [INVALID_OPTION]\n',
  ],
  [
    ["--listen", "127.0.0.1:0"],
    "agentrt: No role is given. Add --role with one or more of host, environment-agent, device-agent, security-agent, ui-agent, worker, or run agentrt demo. [INVALID_OPTION]\n",
  ],
  [
    ["demo", "--role", "host"],
    "agentrt: agentrt demo runs every role. Leave out --role, or leave out demo. [INVALID_OPTION]\n",
  ],
  [
    ["--role", "host", "--listen", "192.0.2.1:50051"],
    "agentrt: --listen: Listening on 192.0.2.1:50051 is refused: other machines could reach it, and without TLS and identities everybody there may read and send every message. Listen on 127.0.0.1:50051, or accept this with --insecure. [LISTEN_REFUSED]\n",
  ],
  [
    ["--role", "host", "--drain-timeout", "5\nagentrt: forged"],
    'agentrt: --drain-timeout: "5 agentrt: forged" is not a time with a unit. Write it as 250ms, 5s, 2m or 1h. [INVALID_OPTION]\n',
  ],
])("cli - %p is one clear line and exit code 2", async (args, line) => {
  expect(await runToEnd(args)).toEqual({ code: 2, stdout: "", stderr: line });
});

test("cli - an unknown variable and an unknown key are named with the nearest", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-cli-"));
  try {
    const file = join(folder, "agentrt.toml");
    await writeFile(file, 'role = "host"\n\nlistn = "127.0.0.1:0"\n');
    expect(await runToEnd(["--config", file])).toEqual({
      code: 2,
      stdout: "",
      stderr: `agentrt: listn in ${file} line 3 is not a setting. Did you mean listen? "agentrt --help" lists all. [UNKNOWN_OPTION]\n`,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
  expect((await runToEnd([], { env: { AGENTRT_ROL: "host" } })).stderr).toBe(
    'agentrt: The environment variable AGENTRT_ROL is not a setting. Did you mean AGENTRT_ROLE? "agentrt --help" lists all. [UNKNOWN_OPTION]\n',
  );
});

test("cli - files of the current folder change nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-cli-"));
  try {
    await writeFile(join(folder, ".env"), "AGENTRT_NOT_A_SETTING=1\n");
    await writeFile(join(folder, "bunfig.toml"), 'preload = ["./missing.ts"]\n');
    await writeFile(join(folder, "agentrt.toml"), "no toml at all\n");
    expect((await runToEnd([], { cwd: folder })).code).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
