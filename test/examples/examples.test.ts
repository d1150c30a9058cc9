import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pythonWithAutogen } from "../interop/venv.ts";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, agentrtBinary, startAgentrt, startProcess } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";
import { within } from "../kit/within.ts";
import { readCommands } from "./read-commands.ts";

// The first may have to install AutoGen.
setDefaultTimeout(300_000);

const examples = resolve(import.meta.dir, "../../examples");
const entries = await readdir(examples, { recursive: true });
const folders = entries
  .filter((path) => path.endsWith("/README.md"))
  .map((path) => dirname(path))
  // Modules for other people's workers rather than programs to start; test/interop imports them.
  .filter((folder) => folder !== "python")
  .sort();

/** Where `agentrt`, `bun` and `python` are the ones under test. */
async function withPrograms(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-examples-"));
  try {
    await mkdir(join(folder, "bin"));
    await symlink(agentrtBinary(), join(folder, "bin/agentrt"));
    await symlink(process.execPath, join(folder, "bin/bun"));
    const venv = dirname(await pythonWithAutogen());
    await use(`${join(folder, "bin")}:${venv}:${process.env["PATH"] ?? ""}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * True when the lines are in the log in this order, or on standard output; others may stand between
 * them. An ellipsis stands for anything.
 */
function hasPrinted(child: AgentrtProcess, lines: readonly string[]): boolean {
  let stdout = child.stdout;
  let logs = child.logs.map(({ message }) => message);
  return lines.every((line) => {
    const parts = line.split("…").map((part) => part.replace(/[^\w\s]/g, "\\$&"));
    const match = new RegExp(parts.join(".*")).exec(stdout);
    if (match !== null) {
      stdout = stdout.slice(match.index + match[0].length);
      return true;
    }
    const at = logs.indexOf(line);
    logs = logs.slice(at + 1);
    return at >= 0;
  });
}

/** Programs are the shell's process themselves, so that they are ended with it; its own commands need it. */
function shellCommand(command: string): string {
  return /[|&;]/.test(command) ? command : `exec ${command}`;
}

async function waitUntilPrinted(child: AgentrtProcess, lines: readonly string[]): Promise<void> {
  const what = `"${lines.join("\\n")}"`;
  const isOver = () => hasPrinted(child, lines) || !child.isRunning;
  await waitFor(isOver, { what, timeoutMs: 40_000 }).catch(() => undefined);
  if (!hasPrinted(child, lines)) {
    throw new Error(
      `${what} was not printed.\n--- stdout\n${child.stdout}\n--- stderr\n${child.stderr}`,
    );
  }
}

test("examples - each is there with a README", () => {
  expect(folders).toEqual(["chat", "flaky-sensor", "inventory", "llm-agent", "task-queue"]);
});

test.each(folders)("examples - the commands of %s print what its README says", async (folder) => {
  const commands = readCommands(await Bun.file(join(examples, folder, "README.md")).text());
  expect(commands.length).toBeGreaterThan(1);
  const address = `127.0.0.1:${await freePort()}`;
  await withPrograms(async (path) => {
    await using stack = new AsyncDisposableStack();
    const children: AgentrtProcess[] = [];
    for (const { command, prints } of commands) {
      const child = stack.use(
        startProcess(["bash", "-c", shellCommand(command)], {
          env: {
            PATH: path,
            AGENTRT_LISTEN: command.includes("--role host") ? address : undefined,
            AGENTRT_HOST_ADDRESS: address,
            AGENTRT_LOG_FORMAT: "json",
          },
        }),
      );
      children.push(child);
      // A program is ready when it prints its first line; the rest may wait for the others.
      await waitUntilPrinted(child, prints.slice(0, 1));
    }
    for (const [index, { prints }] of commands.entries()) {
      const child = children[index];
      if (child !== undefined) {
        await waitUntilPrinted(child, prints);
      }
    }
  });
});

/** A program of the chat with somebody at its keyboard. */
function startChat(path: string, command: readonly string[], address: string) {
  const child = Bun.spawn([...command], {
    cwd: dirname(examples),
    env: { PATH: path, AGENTRT_HOST_ADDRESS: address },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  let printed = "";
  const reading = (async () => {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += chunk;
    }
  })();
  return {
    async type(line: string): Promise<void> {
      child.stdin.write(`${line}\n`);
      await child.stdin.flush();
    },
    async waitFor(text: string): Promise<void> {
      await waitFor(() => printed.includes(text), { what: `"${text}"`, timeoutMs: 40_000 });
    },
    async pressCtrlC(): Promise<number | undefined> {
      child.kill("SIGINT");
      return await within(child.exited, 20_000);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await reading;
    },
  };
}

test("examples - what is typed in the chat appears in the other language, and Ctrl-C leaves the room", async () => {
  await withPrograms(async (path) => {
    await using host = startAgentrt([
      "--role=host",
      "--listen=127.0.0.1:0",
      "--http=off",
      "--data=none",
    ]);
    const address = String((await host.waitForLog("host ready")).properties["listen"]);
    await using grace = startChat(path, ["python", "examples/chat/chat.py", "Grace"], address);
    await grace.waitFor("Grace is in the room.");
    await using ada = startChat(path, ["bun", "examples/chat/chat.ts", "Ada"], address);
    await ada.waitFor("Grace: Welcome, Ada!");
    await ada.type("How is the weather?");
    await grace.waitFor("Ada: How is the weather?");
    await grace.type("Splendid.");
    await ada.waitFor("Grace: Splendid.");
    expect(await ada.pressCtrlC()).toBe(0);
    expect(await grace.pressCtrlC()).toBe(0);
  });
});

test("examples - a README without a command's output is refused", () => {
  expect(() => readCommands("```sh\nagentrt demo\n```\n")).toThrow(
    'Nothing says what "agentrt demo" prints.',
  );
});
