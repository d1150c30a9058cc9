import { expect, test } from "bun:test";
import { cpSync, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { AgentId } from "../../src/core/agent-id.ts";
import { AgentrtError } from "../../src/core/errors.ts";
import { defineMessage } from "../../src/core/message-type.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";

const TIMEOUT_MS = 60_000;
const modules = resolve(import.meta.dir, "../../node_modules");

const Tick = defineMessage("Tick", (value) => Object(value) as { n: number });
const Ask = defineMessage("Ask", () => ({}));
const Told = defineMessage("Told", (value) => value as { word: string; count: number });
type Told = { readonly word: string; readonly count: number };

async function withFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-agents-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A host and a worker in one process, and where others connect. */
async function startWorker(
  ...args: readonly string[]
): Promise<{ process: AgentrtProcess; address: string }> {
  return await startWorkerIn(undefined, ...args);
}

/** @param cwd where it runs. Default: the repository */
async function startWorkerIn(
  cwd: string | undefined,
  ...args: readonly string[]
): Promise<{ process: AgentrtProcess; address: string }> {
  const process = startAgentrt(
    ["--role=host,worker", "--listen=127.0.0.1:0", "--http=off", "--data=none", ...args],
    cwd === undefined ? {} : { cwd },
  );
  const ready = await process.waitForLog("host ready", TIMEOUT_MS);
  await process.waitForLog("worker connected", TIMEOUT_MS);
  return { process, address: String(ready.properties["listen"]) };
}

async function connect(address: string): Promise<GrpcWorkerAgentRuntime> {
  const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
  runtime.addMessageType(Told);
  await runtime.start();
  return runtime;
}

const COUNTER = (word: string) => `
import { defineAgent, defineMessage } from "agentrt";
import { ending } from "./parts/ending";

const Tick = defineMessage("Tick", (value) => Object(value) as { n: number });
const Ask = defineMessage("Ask", () => ({}));
const Told = defineMessage("Told", (value) => value as { word: string; count: number });

export const counter = defineAgent({
  type: "counter",
  subscriptions: ["ticks"],
  description: "Counts",
  setup(agent) {
    let count = 0;
    agent.handleEvent(Tick, () => { count += 1; });
    agent.handleRpc(Ask, () => Told.of({ word: "${word}" + ending, count }));
    return { saveState: () => count, loadState: (state) => { count = Number(state); } };
  },
});
`;

test.each<[string, readonly string[]]>([
  ["once", []],
  ["watched", ["--watch"]],
])(
  "user agents - relative imports, packages, paths of a tsconfig, and the program's own API, loaded %s",
  async (_how, flags) => {
    const files = {
      "package.json": '{ "private": true }',
      "agents/uses.ts": `
import { AgentId, RoutedAgent, defineMessage, type AgentRuntime } from "agentrt";
import camelCase from "lodash.camelcase";
import * as v from "valibot";
import { parseListItem } from "@scope/listed/items";
import { readFileSync } from "node:fs";
import { mark } from "@own/mark";
import { shout } from "./parts/shout.ts";

const Ask = defineMessage("Ask", v.object({}));
const Told = defineMessage("Told", v.object({ word: v.string(), count: v.number() }));
const sameApi = (runtime: AgentRuntime, id: AgentId) => runtime.agentMetadata(id);

export default class Uses extends RoutedAgent {
  static readonly agentType = "uses";
  constructor() {
    super("Uses packages");
    this.handleRpc(Ask, async () => {
      const own = await sameApi(this.runtime, new AgentId("uses", "one"));
      return Told.of({
        word: shout(camelCase(own.type + " " + parseListItem("- them"))) + mark,
        count: readFileSync(import.meta.dir + "/three.txt", "utf8").length,
      });
    });
  }
}
`,
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@own/*": ["./own/*"] } } }',
      "own/mark.ts": 'export const mark: string = "?";',
      "agents/three.txt": "123",
      "agents/parts/shout.ts": "export const shout = (text: string): string => text.concat('!');",
      // Conditional exports of a subpath, with another file for each way of importing.
      "node_modules/@scope/listed/package.json": JSON.stringify({
        name: "@scope/listed",
        exports: { "./items": { import: "./items.mjs", require: "./items.cjs" } },
      }),
      "node_modules/@scope/listed/items.mjs":
        "export const parseListItem = (line) => line.slice(2);",
      "node_modules/@scope/listed/items.cjs": "throw new Error('the wrong file');",
    };
    await withFolder(files, async (folder) => {
      for (const name of ["valibot", "lodash.camelcase"]) {
        cpSync(join(modules, name), join(folder, "node_modules", name), { recursive: true });
      }
      const { process, address } = await startWorker(...flags, `--agent=${join(folder, "agents")}`);
      await using _process = process;
      await using client = await connect(address);
      const told = await client.sendMessage<Told>(Ask.of({}), new AgentId("uses", "one"));
      expect(told).toEqual({ word: "usesThem!?", count: 3 });
      expect(await process.stop()).toBe(0);
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - a file that does not load says why and where, and the others run",
  async () => {
    const files = {
      "a-syntax.ts": "export const a = 1;\nconst b = = 2;\n",
      "b-import.ts": '\nimport { x } from "./missing.ts";\nexport const b = x;\n',
      "c-package.ts": 'import { x } from "no-such-package";\nexport const c = x;\n',
      "d-name.ts": 'import { defineAgnet } from "agentrt";\nexport const d = defineAgnet({});\n',
      "e-throws.ts": "\n\nthrow new RangeError('not today');\nexport const e = 1;\n",
      "f-none.ts": "export const f = 1;\n",
      "g-good.ts": COUNTER("good"),
      "h-twice.ts": COUNTER("twice"),
      "i-waits.ts": "await new Promise(() => undefined);\nexport const i = 1;\n",
      // Thrown by the API, called by the file.
      "j-type.ts":
        'import { defineAgent } from "agentrt";\nexport const j = defineAgent({ type: "a b", setup: () => undefined });\n',
      "parts/ending.ts": 'export const ending = "";',
    };
    await withFolder(files, async (folder) => {
      const { process, address } = await startWorker(`--agent=${folder}`);
      await using _process = process;
      const found = process.logs
        .filter(({ message }) => message === "an agent file cannot be used; the others run")
        .map(({ properties }) => [
          String(properties["file"]).replace(`${folder}/`, ""),
          properties["code"],
          properties["line"],
          properties["column"],
        ]);
      expect(found).toEqual([
        ["a-syntax.ts", "AGENT_FILE_BROKEN", 2, 11],
        ["b-import.ts", "AGENT_FILE_BROKEN", 2, 19],
        ["c-package.ts", "AGENT_FILE_BROKEN", 1, 19],
        ["d-name.ts", "AGENT_FILE_BROKEN", 1, 10],
        ["e-throws.ts", "AGENT_FILE_BROKEN", 3, 11],
        ["f-none.ts", "AGENT_FILE_BROKEN", undefined, undefined],
        ["h-twice.ts", "AGENT_TYPE_TAKEN", undefined, undefined],
        ["i-waits.ts", "AGENT_FILE_BROKEN", undefined, undefined],
        ["j-type.ts", "AGENT_FILE_BROKEN", 2, expect.any(Number)],
      ]);
      await using client = await connect(address);
      const told = await client.sendMessage<Told>(Ask.of({}), new AgentId("counter", "one"));
      expect(told).toEqual({ word: "good", count: 0 });
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - without one file that loads the worker ends with code 1",
  async () => {
    await withFolder({ "bad.ts": "\nexport const = 1;\n" }, async (folder) => {
      const file = join(folder, "bad.ts");
      await using process = startAgentrt(["--role=worker", "--data=none", `--agent=${file}`]);
      expect(await process.waitForExit(TIMEOUT_MS)).toBe(1);
      expect(process.stderr).toContain(`agentrt: ${file}:2:14: `);
      expect(process.stderr).toContain("[AGENT_FILE_BROKEN]");
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - a watched agent changes between two messages, keeps its state, and loses none",
  async () => {
    const files = {
      "agents/counter.ts": COUNTER("one"),
      "agents/parts/ending.ts": 'export const ending = ".";',
      "else/where/nothing": "",
    };
    await withFolder(files, async (parent) => {
      const folder = join(parent, "agents");
      const file = join(folder, "counter.ts");
      // Paths from here to the files go up and down again.
      const elsewhere = join(parent, "else/where");
      const { process, address } = await startWorkerIn(elsewhere, "--watch", `--agent=${file}`);
      await using _process = process;
      await using client = await connect(address);
      const counter = new AgentId("counter", "one");
      const topic = new TopicId("ticks", "one");
      let sent = 0;
      const tick = async () => {
        await client.publishMessage(Tick.of({ n: sent }), topic);
        sent += 1;
      };
      const ask = async () => await client.sendMessage<Told>(Ask.of({}), counter);
      const afterChange = async (message: string, write: () => Promise<void>) => {
        const from = process.logs.length;
        const seen = process.waitForLog(message, TIMEOUT_MS, from);
        let isSeen = false;
        const ended = seen.finally(() => {
          isSeen = true;
        });
        await write();
        // Messages keep coming while the file is loaded anew.
        while (!isSeen) {
          await tick();
        }
        return await ended;
      };
      await tick();
      expect(await ask()).toEqual({ word: "one.", count: sent });

      await afterChange(
        "agent file loaded anew",
        async () => await writeFile(file, COUNTER("two")),
      );
      expect(await ask()).toEqual({ word: "two.", count: sent });

      const part = join(folder, "parts/ending.ts");
      await afterChange("agent file loaded anew", async () => {
        await writeFile(part, 'export const ending = "?";');
      });
      expect(await ask()).toEqual({ word: "two?", count: sent });

      const broken = await afterChange(
        "a changed agent file cannot be used; its last version goes on",
        async () => await writeFile(part, "export const ending = ;"),
      );
      expect(broken.properties).toMatchObject({ code: "AGENT_FILE_BROKEN", line: 1, column: 23 });
      expect(await ask()).toEqual({ word: "two?", count: sent });

      const thrown = await afterChange(
        "a changed agent file cannot be used; its last version goes on",
        async () => await writeFile(part, 'export const ending = "";\n\nthrow new Error("no");'),
      );
      expect(thrown.properties).toMatchObject({ code: "AGENT_FILE_BROKEN", file: part, line: 3 });
      expect(await ask()).toEqual({ word: "two?", count: sent });

      await afterChange("agent file loaded anew", async () => {
        await writeFile(part, 'export const ending = "!";');
      });
      expect(await ask()).toEqual({ word: "two!", count: sent });
      expect(await process.stop()).toBe(0);
      expect((await readdir(folder)).sort()).toEqual(["counter.ts", "parts"]);
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - a file that comes into a watched folder is loaded, one that was broken is mended",
  async () => {
    const files = { "a.ts": "export const a = ;", "parts/ending.ts": 'export const ending = "";' };
    await withFolder(files, async (folder) => {
      const { process, address } = await startWorker("--watch", `--agent=${folder}`);
      await using _process = process;
      await using client = await connect(address);
      const registered = (agent: string) =>
        process.waitForLog(
          ({ message, properties }) =>
            message === "agent registered" && properties["agent"] === agent,
          TIMEOUT_MS,
        );
      const other = COUNTER("new").replace('type: "counter"', 'type: "other"');
      await writeFile(join(folder, "b.ts"), other);
      await registered("other");
      await writeFile(join(folder, "a.ts"), COUNTER("mended"));
      await registered("counter");
      for (const [type, word] of [
        ["other", "new"],
        ["counter", "mended"],
      ] as const) {
        const told = await client.sendMessage<Told>(Ask.of({}), new AgentId(type, "one"));
        expect(told).toEqual({ word, count: 0 });
      }
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - an agent taken out of its file, or with its file, is gone at the host, and comes back with its state",
  async () => {
    const ending = { "parts/ending.ts": 'export const ending = "";' };
    const other = COUNTER("other").replace('type: "counter"', 'type: "other"');
    const plain = 'import { AgentId } from "agentrt";\nexport const id = new AgentId("x", "y");\n';
    const files = { ...ending, "a.ts": COUNTER("a"), "b.ts": other };
    await withFolder(files, async (folder) => {
      const data = join(folder, "parts/data");
      const { process, address } = await startWorker(
        "--watch",
        `--agent=${folder}`,
        "--data",
        data,
      );
      await using _process = process;
      await using client = await connect(address);
      const after = async (message: string, change: () => Promise<void>) => {
        const from = process.logs.length;
        await change();
        return (await process.waitForLog(message, TIMEOUT_MS, from)).properties;
      };
      const removed = "agent removed: its file no longer exports it";
      const typesAtHost = async () => {
        await using listed = startAgentrt(["ls", "agents", "--json", `--host-address=${address}`]);
        await listed.waitForExit();
        const { agents } = JSON.parse(listed.stdout) as { agents: { agentType: string }[] };
        return agents.map(({ agentType }) => agentType).sort();
      };
      const ask = async (type: string) =>
        await client.sendMessage<Told>(Ask.of({}), new AgentId(type, "one"));
      const tick = async () =>
        await client.publishMessage(Tick.of({ n: 1 }), new TopicId("ticks", "one"));

      await tick();
      // A message before the change is still handled.
      const gone = await after(removed, async () => await writeFile(join(folder, "a.ts"), plain));
      expect(gone).toMatchObject({ agent: "counter", file: join(folder, "a.ts") });
      expect(await typesAtHost()).toEqual(["other"]);
      await expect(ask("counter")).rejects.toMatchObject({ code: "NO_SUCH_AGENT" });
      expect(await ask("other")).toEqual({ word: "other", count: 1 });

      // An empty file is one that is being written.
      await writeFile(join(folder, "b.ts"), "");
      await process.waitForLog("a changed agent file cannot be used; its last version goes on");
      expect(await ask("other")).toEqual({ word: "other", count: 1 });

      await after("agent registered", async () => {
        await writeFile(join(folder, "a.ts"), COUNTER("back"));
      });
      expect(await ask("counter")).toEqual({ word: "back", count: 1 });

      // To another file in one go.
      const from = process.logs.length;
      await writeFile(join(folder, "b.ts"), COUNTER("moved"));
      await writeFile(join(folder, "a.ts"), plain);
      await process.waitForLog(
        ({ message, properties }) =>
          message === "agent registered" && properties["file"] === join(folder, "b.ts"),
        TIMEOUT_MS,
        from,
      );
      expect(await ask("counter")).toEqual({ word: "moved", count: 1 });
      expect(await typesAtHost()).toEqual(["counter"]);

      await after(removed, async () => await rm(join(folder, "b.ts")));
      expect(await typesAtHost()).toEqual([]);
      expect(await process.stop()).toBe(0);
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - a new project passes its test and its types, and runs",
  async () => {
    await withFolder({}, async (folder) => {
      await using made = startAgentrt(["new", "living-room"], { cwd: folder });
      expect(await made.waitForExit(TIMEOUT_MS)).toBe(0);
      const project = join(folder, "living-room");

      await using tests = startAgentrt(["test"], { cwd: project });
      expect([await tests.waitForExit(TIMEOUT_MS), tests.stderr]).toEqual([
        0,
        expect.stringContaining(" 1 pass\n 0 fail\n"),
      ]);

      const types = Bun.spawnSync([join(modules, ".bin/tsc"), "--project", project]);
      expect([types.exitCode, types.stdout.toString()]).toEqual([0, ""]);
      await writeFile(
        join(project, "wrong.ts"),
        'import { TopicId } from "agentrt";\nexport const a: number = new TopicId("a", "b").type;\n',
      );
      const wrong = Bun.spawnSync([join(modules, ".bin/tsc"), "--project", project]);
      expect(wrong.stdout.toString()).toContain("'string' is not assignable to type 'number'");

      await using running = startAgentrt(
        [
          "--role=host,environment-agent,worker",
          "--agent=living-room.ts",
          "--interval=100ms",
          "--listen=127.0.0.1:0",
          "--http=off",
          "--data=none",
        ],
        { cwd: project },
      );
      await running.waitForStdout(/living-room\/home: .* mean /, TIMEOUT_MS);
      const ready = running.logs.find(({ message }) => message === "host ready");
      const to = `--host-address=${String(ready?.properties["listen"])}`;
      const words = ["call", "living-room/home", "--type", "GetMean"];
      expect(made.stdout).toContain(`agentrt ${words.join(" ")}`);
      await using asked = startAgentrt([...words, to]);
      expect(await asked.waitForExit(TIMEOUT_MS)).toBe(0);
      expect(JSON.parse(asked.stdout)).toEqual({
        mean: expect.any(Number),
        count: expect.any(Number),
      });
      expect(await running.stop()).toBe(0);
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - the example of docs/agents.md passes the test that stands there",
  async () => {
    const page = await Bun.file(resolve(import.meta.dir, "../../docs/agents.md")).text();
    const blocks = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code ?? "");
    const agent = blocks.find((code) => code.includes("export const thermostat"));
    const its = blocks.find((code) => code.includes("bun:test"));
    const files = {
      "thermostat.ts": agent?.replace("const Reading", "export const Reading") ?? "",
      "thermostat.test.ts": its ?? "",
    };
    await withFolder(files, async (folder) => {
      cpSync(join(modules, "valibot"), join(folder, "node_modules/valibot"), { recursive: true });
      await using tests = startAgentrt(["test", folder]);
      expect([await tests.waitForExit(TIMEOUT_MS), tests.stderr]).toEqual([
        0,
        expect.stringContaining(" 1 pass\n 0 fail\n"),
      ]);
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - neither a project nor types are written over another's file",
  async () => {
    await withFolder({ "mine/notes.txt": "mine", "other.d.ts": "mine" }, async (folder) => {
      const run = async (...args: string[]) => {
        await using child = startAgentrt(args, { cwd: folder });
        return [await child.waitForExit(TIMEOUT_MS), child.stderr.includes("[FILE_EXISTS]")];
      };
      expect(await run("new", "mine")).toEqual([1, true]);
      expect(await readdir(join(folder, "mine"))).toEqual(["notes.txt"]);
      expect(await run("types", "other.d.ts")).toEqual([1, true]);
      expect(await Bun.file(join(folder, "other.d.ts")).text()).toBe("mine");
      // Its own file it brings up to date.
      expect(await run("types")).toEqual([0, false]);
      expect(await run("types")).toEqual([0, false]);
      expect(existsSync(join(folder, "agentrt.d.ts"))).toBe(true);
    });
  },
  TIMEOUT_MS,
);

test.each<[readonly string[], number, string]>([
  [["new"], 2, "Something is missing: write agentrt new NAME. [INVALID_OPTION]"],
  [["new", "1x"], 2, '"1x" is not a name for an agent.'],
  [["types", "/proc/no.d.ts"], 2, "The types cannot be written to /proc/no.d.ts: "],
  [["new", "a", "b"], 2, "That is too much: write agentrt new NAME."],
  [["--role=worker"], 2, "The role worker needs a file of agents."],
  [["--role=worker", "--agent=/no/such.ts"], 2, "--agent: /no/such.ts cannot be read"],
  [["--role=host", "--agent=a.ts"], 2, "--agent does nothing for host"],
])("user agents - %p is refused", async (args, code, text) => {
  await using child = startAgentrt([
    ...args,
    ...(args[0]?.startsWith("--") !== true ? [] : ["--data=none"]),
  ]);
  expect([await child.waitForExit(TIMEOUT_MS), child.stderr]).toEqual([
    code,
    expect.stringContaining(text),
  ]);
});

const RULED = (timeoutMs: string) => `
import { defineAgent } from "agentrt";
export const sleeper = defineAgent({
  type: "sleeper",
  options: { policy: "shared", handlerTimeoutMs: ${timeoutMs}, circuit: { afterFailures: 1, openForMs: 60_000 } },
  description: "Sleeps",
  setup: (agent) => agent.handleAnything(() => Bun.sleep(3_600_000)),
});
`;

test(
  "user agents - the options of a file's agent are its rules, and a change of them waits for the next start",
  async () => {
    await withFolder({ "sleeper.ts": RULED("20") }, async (folder) => {
      const file = join(folder, "sleeper.ts");
      const { process, address } = await startWorker("--watch", `--agent=${file}`);
      await using _worker = process;
      await using runtime = await connect(address);
      // The host refuses a second worker with another policy, so it was told of this one.
      const never = () => Promise.reject(new Error("never"));
      const other = runtime.registerFactory("sleeper", never, { policy: "standby" });
      expect(await codeOf(other)).toBe("POLICY_CONFLICT");
      const ask = async () =>
        await codeOf(runtime.sendMessage(Ask.of({}), new AgentId("sleeper", "a")));
      expect(await ask()).toBe("DEADLINE");
      expect(await ask()).toBe("CIRCUIT_OPEN");

      await writeFile(file, RULED("21"));
      const said = "the options of an agent changed; they hold when the worker starts again";
      const { properties } = await process.waitForLog(said, TIMEOUT_MS);
      expect(properties).toEqual({ file, agent: "sleeper" });
    });
  },
  TIMEOUT_MS,
);

test(
  "user agents - an option that makes no sense names the file and the option",
  async () => {
    await withFolder({ "sleeper.ts": RULED("-1") }, async (folder) => {
      const args = ["--role=worker", "--data=none", `--agent=${join(folder, "sleeper.ts")}`];
      await using worker = startAgentrt(args);
      expect(await worker.waitForExit(TIMEOUT_MS)).toBe(2);
      expect(worker.stderr).toContain(`${join(folder, "sleeper.ts")}: handlerTimeoutMs`);
    });
  },
  TIMEOUT_MS,
);

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "none",
    (error: unknown) => AgentrtError.from(error).code,
  );
}
