import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { agentrtBinary } from "../kit/process.ts";
import { runAgentrt, runShell } from "../kit/run-to-end.ts";
import { TerminalSession } from "../kit/terminal.ts";

setDefaultTimeout(60_000);

/** The scripts call `agentrt` by its name, as people do. */
const PATH = `${dirname(agentrtBinary())}${delimiter}${process.env["PATH"]}`;

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-shell-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function scriptOf(shell: string, file: string): Promise<void> {
  const { code, stdout, stderr } = await runAgentrt(["completion", shell]);
  expect([code, stderr]).toEqual([0, ""]);
  await writeFile(file, stdout);
}

test("completion - an unknown shell is wrong usage", async () => {
  const { code, stderr } = await runAgentrt(["completion", "bsh"]);
  expect(code).toBe(2);
  expect(stderr).toBe(
    'agentrt: agentrt completion: "bsh" is not one of bash, zsh, fish. Did you mean "bash"? [INVALID_OPTION]\n',
  );
});

test("completion - a half-written line that is wrong is no error", async () => {
  const { code, stderr } = await runAgentrt(["complete", "--", "--no-such", "'", "$(false)", ""]);
  expect([code, stderr]).toEqual([0, ""]);
});

test("completion bash - the tab key completes commands, lists, flags and values, and runs nothing", async () => {
  await inFolder(async (folder) => {
    await scriptOf("bash", join(folder, "agentrt"));
    await using shell = new TerminalSession(["bash", "--norc", "--noprofile", "-i"], {
      PATH,
      HOME: folder,
      PS1: "> ",
      INPUTRC: "/dev/null",
    });
    // Words that begin the same in what is typed and in what is shown would prove nothing.
    shell.type(`. ${folder}/agentrt && cd ${folder} && echo rea''dy\n`);
    await shell.waitForScreen("ready\r\n");
    for (const [typed, completed] of [
      ["comp\t", "agentrt completion "],
      ["ls subs\t", "agentrt ls subscriptions "],
      ["pub chat x --prio\t", "--priority "],
      ["pub chat x --priority hi\t", "--priority high "],
      ["--role=sec\t", "--role=security-agent "],
      ["--config agen\t", "--config agentrt "],
    ] as const) {
      shell.type(`agentrt ${typed}`);
      await shell.waitForScreen(completed);
      shell.type("\u0015");
    }
    shell.type(
      `agentrt pub $(touch ${folder}/ran) p\t\u0015[ -e ${folder}/ran ] || echo nothing r''an\n`,
    );
    await shell.waitForScreen("nothing ran");
    shell.type("exit\n");
    expect(await shell.exited).toBe(0);
  });
});

test("completion zsh - the tab key completes, with descriptions", async () => {
  await inFolder(async (folder) => {
    await scriptOf("zsh", join(folder, "_agentrt"));
    await using shell = new TerminalSession(["zsh", "-f", "-i"], { PATH, HOME: folder, PS1: "> " });
    shell.type(
      `fpath=(${folder} $fpath); autoload -Uz compinit && compinit -D -u && echo rea''dy\n`,
    );
    await shell.waitForScreen("ready\r\n");
    shell.type("agentrt completi\t");
    await shell.waitForScreen("completion");
    shell.type("\u0015agentrt s\t");
    await shell.waitForScreen("saves or loads the state of one agent");
    shell.type("\u0015exit\n");
    expect(await shell.exited).toBe(0);
  });
});

test("completion fish - candidates with descriptions", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "agentrt.fish");
    await scriptOf("fish", file);
    const ask = async (line: string): Promise<readonly string[]> => {
      const script = `source ${file}; complete -C '${line}'`;
      const env = { PATH, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
      const { code, stdout } = await runShell(["fish", "--no-config", "-c", script], [], { env });
      expect(code).toBe(0);
      return stdout.trimEnd().split("\n");
    };
    // fish puts them in order.
    expect(await ask("agentrt st")).toEqual(["state\tsaves or loads the state of one agent"]);
    expect(await ask("agentrt ls ")).toEqual(["agents", "subscriptions", "topics", "workers"]);
    expect(await ask("agentrt pub chat x --priority ")).toEqual(["high", "low", "normal"]);
  });
});
