import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AgentId } from "../../src/core/agent-id.ts";
import { defineMessage } from "../../src/core/message-type.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { rejectionOf } from "../kit/thrown.ts";

const TIMEOUT_MS = 60_000;

type Told = { readonly word: string; readonly n: number };
const Do = defineMessage("Do", (value) => value as { what: string });
const Told = defineMessage("Told", (value) => value as Told);

/** Agents that do what they are told, the worst included, with what they import beside them. */
const FILES = (word: string, options: string): Readonly<Record<string, string>> => ({
  "agents.ts": `
import { defineAgent, defineMessage, RoutedAgent } from "agentrt";
import { one } from "counting";
import { act } from "./parts/act";

const Do = defineMessage("Do", (value) => value as { what: string });
const Told = defineMessage("Told", (value) => value as { word: string; n: number });

export const risky = defineAgent({
  type: "risky",
  description: "Takes risks",
  options: ${options},
  setup(agent) {
    let n = 0;
    agent.handleRpc(Do, ({ what }) => {
      act(what);
      n += one;
      return Told.of({ word: "${word}", n });
    });
    return { saveState: () => n, loadState: (state) => { n = Number(state); } };
  },
});

export default class RiskyClass extends RoutedAgent {
  static readonly agentType = "risky_class";
  static readonly options = { isolate: true };
  #n = 0;
  constructor() {
    super("Takes risks");
    this.handleRpc(Do, ({ what }) => {
      act(what);
      this.#n += one;
      return Told.of({ word: "class", n: this.#n });
    });
  }
}

export const safe = defineAgent({
  type: "safe",
  description: "Takes none",
  setup(agent) {
    let n = 0;
    agent.handleRpc(Do, () => {
      n += 1;
      return Told.of({ word: "safe", n });
    });
  },
});
`,
  "parts/act.ts": `
export function act(what: string): void {
  switch (what) {
    case "loop":
      for (;;) {}
    case "exit":
      process.exit(7);
    case "hoard":
      for (const hoard: Uint8Array[] = []; ; ) hoard.push(new Uint8Array(1 << 20).fill(1));
  }
}
`,
  "node_modules/counting/package.json":
    '{ "name": "counting", "type": "module", "exports": "./index.mjs" }',
  "node_modules/counting/index.mjs": "export const one = 1;",
});

interface Stage {
  readonly process: AgentrtProcess;
  readonly folder: string;
  readonly ask: (agent: string, what: string) => Promise<Told | undefined>;
}

/** A host and a worker in one program, with the agents of a folder, and a client of them. */
async function withWorker(
  files: Readonly<Record<string, string>>,
  flags: readonly string[],
  use: (stage: Stage) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-isolated-"));
  try {
    await writeAll(folder, files);
    await using process = startAgentrt([
      "--role=host,worker",
      "--listen=127.0.0.1:0",
      "--http=off",
      "--data=none",
      `--agent=${join(folder, "agents.ts")}`,
      ...flags,
    ]);
    const ready = await process.waitForLog("host ready", TIMEOUT_MS);
    await process.waitForLog("worker connected", TIMEOUT_MS);
    await using client = new GrpcWorkerAgentRuntime({
      hostAddress: String(ready.properties["listen"]),
    });
    client.addMessageType(Told);
    await client.start();
    const ask = async (agent: string, what: string) =>
      await client.sendMessage<Told>(Do.of({ what }), AgentId.parse(agent));
    await use({ process, folder, ask });
    expect(await process.stop()).toBe(0);
    // Nothing is left beside the user's files.
    expect((await readdir(folder)).sort()).toEqual(["agents.ts", "node_modules", "parts"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeAll(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** Asks the safe agent over and over until a call has failed; gives the failure and the answers before it. */
async function askMeanwhile({ ask }: Stage, call: Promise<unknown>) {
  let isOver = false;
  const failure = rejectionOf(call).finally(() => {
    isOver = true;
  });
  let answers = 0;
  while (!isOver) {
    await ask("safe/a", "count");
    answers += 1;
  }
  return { code: (await failure).code, message: (await failure).message, answers };
}

test.each<[string, string, readonly string[]]>([
  ["its own time limit", "{ isolate: true, handlerTimeoutMs: 2_000 }", []],
  ["the time limit of the worker", "{ isolate: true }", ["--handler-timeout=2s", "--watch"]],
])(
  "isolated agents - an endless loop is ended at %s, others answer all the while, and its state comes back",
  async (_limit, options, flags) => {
    await withWorker(FILES("first", options), flags, async (stage) => {
      const { ask, process } = stage;
      expect(await ask("risky/a", "count")).toEqual({ word: "first", n: 1 });
      expect(await ask("risky/a", "count")).toEqual({ word: "first", n: 2 });
      const { code, message, answers } = await askMeanwhile(stage, ask("risky/a", "loop"));
      expect([code, message]).toEqual([
        "DEADLINE",
        "Agent risky/a did not finish within its handlerTimeoutMs, 2000 ms.",
      ]);
      expect(answers).toBeGreaterThan(20);
      expect(await ask("risky/a", "count")).toEqual({ word: "first", n: 3 });
      await process.waitForLog("the thread of an isolated agent type was ended", TIMEOUT_MS);
    });
  },
  TIMEOUT_MS,
);

test(
  "isolated agents - one that hangs, exits or hoards memory harms neither the process nor the other types",
  async () => {
    const flags = ["--isolate-unresponsive=2s", "--isolate-max-memory=300MiB"];
    await withWorker(FILES("first", "{ isolate: true }"), flags, async (stage) => {
      const { ask } = stage;
      await ask("risky/a", "count");
      await ask("risky_class/a", "count");
      for (const [what, why] of [
        ["loop", "it did not answer for 2000 ms. It may be in an endless loop."],
        ["exit", "it left by itself, with code 7. Was process.exit() called?"],
        ["hoard", "it took more memory than the 300 MiB that it may have."],
      ] as const) {
        const { code, message } = await askMeanwhile(stage, ask("risky/a", what));
        expect([code, message]).toEqual([
          "HANDLER_FAILED",
          `The agent's thread was ended, because ${why}`,
        ]);
      }
      expect(await ask("risky/a", "count")).toEqual({ word: "first", n: 2 });
      expect(await ask("risky_class/a", "count")).toEqual({ word: "class", n: 2 });
    });
  },
  TIMEOUT_MS,
);

test(
  "isolated agents - a watched one changes with its state, and an ended one comes back as it was loaded",
  async () => {
    const options = "{ isolate: true }";
    await withWorker(FILES("first", options), ["--watch"], async ({ ask, folder, process }) => {
      expect(await ask("risky/a", "count")).toEqual({ word: "first", n: 1 });
      await writeAll(folder, FILES("second", options));
      await process.waitForLog("agent file loaded anew", TIMEOUT_MS);
      expect(await ask("risky/a", "count")).toEqual({ word: "second", n: 2 });
      await writeFile(join(folder, "agents.ts"), "export const = 1;");
      await process.waitForLog(
        "a changed agent file cannot be used; its last version goes on",
        TIMEOUT_MS,
      );
      expect((await rejectionOf(ask("risky/a", "exit"))).code).toBe("HANDLER_FAILED");
      expect(await ask("risky/a", "count")).toEqual({ word: "second", n: 3 });
    });
  },
  TIMEOUT_MS,
);
