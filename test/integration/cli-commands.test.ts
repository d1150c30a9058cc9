import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, agentrtBinary, startAgentrt } from "../kit/process.ts";
import { runAgentrt, runShell } from "../kit/run-to-end.ts";
import { TerminalSession } from "../kit/terminal.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

/** A host and the smart home, in one process. */
let home: AgentrtProcess;
let at: readonly string[];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentrt-commands-"));
  const roles = "host,environment-agent,device-agent";
  const quiet = ["--http", "off", "--data", "none", "--interval", "200ms"];
  home = startAgentrt(["--role", roles, "--listen", "127.0.0.1:0", ...quiet]);
  const { properties } = await home.waitForLog("host ready");
  await home.waitForLog("worker connected");
  at = ["--host-address", String(properties["listen"])];
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A `sub` that the host knows of, so that nothing is published too early. */
async function startSub(topic: string, ...flags: string[]): Promise<AgentrtProcess> {
  const sub = startAgentrt(["sub", topic, ...flags, ...at], { env: { LANG: "C" } });
  const type = topic.replace(/\*$/, "").split("/")[0] ?? "";
  await waitFor(
    async () => {
      const { stdout } = await runAgentrt(["ls", "subscriptions", "--filter", type, ...at]);
      return stdout.includes(`${type} `) || stdout.includes(`${type}* `);
    },
    { what: `a subscription of ${topic}`, timeoutMs: 20_000 },
  );
  return sub;
}

test("sub - shows what real agents publish, and ends after so many", async () => {
  const { code, stdout, stderr } = await runAgentrt([
    "sub",
    "environment_data",
    "--count",
    "2",
    ...at,
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d environment_data\/home EnvironmentData \{"temperature":[\d.-]+,"humidity":[\d.]+\}$/,
    );
  }
});

test("sub - JSON of an unknown type is JSON, by a prefix too", async () => {
  const { code, stdout } = await runAgentrt([
    "sub",
    "environment*",
    "--json",
    "--count",
    "1",
    ...at,
  ]);
  expect(code).toBe(0);
  expect(jsonLines(stdout)).toEqual([
    {
      at: expect.any(String),
      topic: "environment_data/home",
      sender: "environment_agent.home/home",
      id: expect.any(String),
      headers: expect.any(Object),
      dataType: "EnvironmentData",
      contentType: "application/json",
      data: { temperature: expect.any(Number), humidity: expect.any(Number) },
    },
  ]);
});

test("sub - Ctrl-C ends it with 0, and what came was printed", async () => {
  await using sub = await startSub("ctrl-c");
  const pub = await runAgentrt(["pub", "ctrl-c", "hello", ...at]);
  expect(pub).toEqual({ code: 0, stdout: "1 published on ctrl-c/default\n", stderr: "" });
  await sub.waitForStdout("hello");
  expect(await sub.stop("SIGINT")).toBe(0);
  expect(sub.stdout).toMatch(/^\d\d:\d\d:\d\d ctrl-c\/default Message hello\n$/);
  expect(sub.stderr).toBe("");
});

test("sub - of one source the others are not shown", async () => {
  await using sub = await startSub("rooms/kitchen", "--count", "1");
  await runAgentrt(["pub", "rooms/hall", "no", ...at]);
  await runAgentrt(["pub", "rooms/kitchen", "yes", ...at]);
  expect(await sub.waitForExit()).toBe(0);
  expect(sub.stdout).toContain("rooms/kitchen Message yes\n");
  expect(sub.stdout).not.toContain("hall");
});

test("sub - a reader that has enough ends it with 0", async () => {
  const line = 'set -o pipefail; "$1" sub environment_data --host-address "$2" | head -n 1';
  const { code, stdout, stderr } = await runShell(
    ["bash", "-c", line, "bash"],
    [agentrtBinary(), at[1] ?? ""],
  );
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n")).toHaveLength(2);
});

test("sub - waits for a host that is not there, and says so", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await using sub = startAgentrt(["sub", "late", "--count", "1", "--host-address", address]);
  await waitFor(() => sub.stderr.includes(`agentrt: Waiting for the host at ${address} …\n`), {
    what: "the line that it waits",
    timeoutMs: 20_000,
  });
  await using host = startAgentrt([
    "--role",
    "host",
    "--listen",
    address,
    "--http",
    "off",
    "--data",
    "none",
  ]);
  await host.waitForLog("host ready");
  await waitFor(() => sub.stderr.includes("agentrt: Connected.\n"), {
    what: "the connection",
    timeoutMs: 20_000,
  });
  await runAgentrt(["pub", "late", "here", "--host-address", address]);
  expect(await sub.waitForExit()).toBe(0);
  expect(sub.stdout).toContain("late/default Message here\n");
});

test("sub - a person can watch everything, or everything of one source, and no message comes twice", async () => {
  const all = await runAgentrt(["sub", "*", "environment*", "--json", "--count", "8", ...at]);
  expect([all.code, all.stderr]).toEqual([0, ""]);
  const shown = jsonLines(all.stdout);
  expect(new Set(shown.map(({ id }) => id)).size).toBe(8);
  const topics = new Set(shown.map(({ topic }) => topic));
  // Who is there is told to each new subscriber.
  expect(topics).toContain("environment_data/home");
  expect(topics).toContain("system/workers");
  const one = await runAgentrt(["sub", "*/home", "--json", "--count", "2", ...at]);
  expect(jsonLines(one.stdout).every(({ topic }) => String(topic).endsWith("/home"))).toBe(true);
  expect(jsonLines(one.stdout)).toHaveLength(2);
});

test("pub - a typed JSON message moves a real agent", async () => {
  const hot = '{"temperature": 45, "humidity": 50}';
  const topic = "environment_data/oven";
  expect(
    await runAgentrt(["pub", topic, hot, "--type", "EnvironmentData", "--json", ...at]),
  ).toEqual({
    code: 0,
    stdout: '{"topic":"environment_data/oven","published":1,"losses":0}\n',
    stderr: "",
  });
  await waitFor(
    async () => {
      const { stdout } = await runAgentrt([
        "call",
        "device_agent/oven",
        "--type",
        "GetDevices",
        ...at,
      ]);
      return stdout.includes('"device":"air_conditioner","state":"on"');
    },
    { what: "an air conditioner that is on", timeoutMs: 20_000 },
  );
});

test("pub - each line of standard input is a message, in order", async () => {
  await using sub = await startSub("lines", "--json", "--count", "3");
  const line =
    'printf "one\\n\\ntwo\\n{\\"n\\":3}\\nfour\\n" | "$1" pub lines - --count 3 --priority high --host-address "$2"';
  const pub = await runShell(["bash", "-c", line, "bash"], [agentrtBinary(), at[1] ?? ""]);
  expect(pub).toEqual({ code: 0, stdout: "3 published on lines/default\n", stderr: "" });
  expect(await sub.waitForExit()).toBe(0);
  const messages = jsonLines(sub.stdout);
  expect(messages.map(({ data }) => (data as { content: unknown }).content)).toEqual([
    "one",
    "two",
    { n: 3 },
  ]);
  expect(messages[0]?.["headers"]).toMatchObject({ priority: "high" });
});

test("pub - a file is one message, repeated by count", async () => {
  const file = join(folder, "message.json");
  await writeFile(file, '{\n  "n": 1\n}\n');
  await using sub = await startSub("files", "--json", "--count", "3");
  expect((await runAgentrt(["pub", "files", `@${file}`, "--count", "3", ...at])).stdout).toBe(
    "3 published on files/default\n",
  );
  expect(await sub.waitForExit()).toBe(0);
  expect(jsonLines(sub.stdout).map(({ data }) => (data as { content: unknown }).content)).toEqual(
    Array.from({ length: 3 }, () => ({ n: 1 })),
  );
});

test("pub - by a rate without a count it goes on until Ctrl-C", async () => {
  await using sub = await startSub("ticks", "--count", "3");
  await using pub = startAgentrt(["pub", "ticks", "tick", "--rate", "50/s", ...at]);
  expect(await sub.waitForExit()).toBe(0);
  expect(await pub.stop("SIGINT")).toBe(0);
  expect(pub.stdout).toMatch(/^\d+ published on ticks\/default\n$/);
});

test.each<[string[], RegExp]>([
  [["pub", "a b", "x"], /^agentrt: "a b" is not a legal topic type\..*\[INVALID_OPTION\]\n$/],
  [
    ["pub", "chat", "{", "--type", "T"],
    /^agentrt: DATA is not JSON, as --type T wants it: .*\[INVALID_OPTION\]\n$/,
  ],
  [
    ["pub", "chat", "@/nowhere/x"],
    /^agentrt: The file \/nowhere\/x cannot be read: .*\[INVALID_OPTION\]\n$/,
  ],
  [
    ["call", "device_agent", "x"],
    /^agentrt: "device_agent" is not an agent id\..*\[INVALID_OPTION\]\n$/,
  ],
  [["call", "device_agent/home"], /^agentrt: There is nothing to send\..*\[INVALID_OPTION\]\n$/],
  [
    ["ls", "worker"],
    /^agentrt: agentrt ls: "worker" is not one of .* Did you mean "workers"\? \[INVALID_OPTION\]\n$/,
  ],
  [
    ["state", "copy", "a/b"],
    /^agentrt: agentrt state: "copy" is not one of save, load\..*\[INVALID_OPTION\]\n$/,
  ],
  [["state", "load", "a/b"], /^agentrt: agentrt state load needs a FILE.*\[INVALID_OPTION\]\n$/],
  [["doctor", "a b"], /^agentrt: "a b:50051" has an illegal host .*\[INVALID_OPTION\]\n$/],
])("commands - %p is one clear line and exit code 2, without a host", async (args, line) => {
  const { code, stdout, stderr } = await runAgentrt([...args, "--host-address", "127.0.0.1:1"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(line);
});

test.each([
  [["pub", "chat", "x"]],
  [["call", "device_agent/home", "x"]],
  [["ls", "workers"]],
  [["ls", "subscriptions"]],
  [["top"]],
  [["state", "save", "device_agent/home"]],
  [["sub", "chat"]],
])("commands - %p at an absent host ends in time, with a clear line and 1", async (args) => {
  const absent = ["--host-address", "127.0.0.1:1", "--connect-timeout", "300ms"];
  const { code, stdout, stderr } = await runAgentrt([...args, ...absent]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.split("\n").at(-2)).toBe(
    'agentrt: No host answered at 127.0.0.1:1 within 300 ms. Start it, or check the address. "agentrt doctor 127.0.0.1:1" says what is wrong. [NOT_CONNECTED]',
  );
});

test("call - a real agent answers, as text and as JSON", async () => {
  const args = ["call", "device_agent/home", "--type", "GetDevices", ...at];
  const text = await runAgentrt(args);
  expect([text.code, text.stderr]).toEqual([0, ""]);
  const list = {
    devices: expect.arrayContaining([expect.objectContaining({ device: "humidifier" })]),
  };
  expect(JSON.parse(text.stdout)).toEqual(list);
  const json = await runAgentrt([...args, "--json"]);
  expect(JSON.parse(json.stdout)).toEqual({
    agent: "device_agent/home",
    dataType: "DeviceList",
    contentType: "application/json",
    data: list,
  });
});

test("call - data may come from standard input", async () => {
  const command = '{"device": "humidifier", "state": "on"}';
  const line =
    'echo "$3" | "$1" call device_agent/cellar - --type DeviceCommand --host-address "$2"';
  const answer = await runShell(
    ["bash", "-c", line, "bash"],
    [agentrtBinary(), at[1] ?? "", command],
  );
  expect([answer.code, answer.stderr]).toEqual([0, ""]);
  expect(JSON.parse(answer.stdout)).toMatchObject({ device: "humidifier", state: "on" });
});

test("call - nobody there, nobody who understands: the error, its code, and 1", async () => {
  const nobody = await runAgentrt(["call", "nobody/one", "hello", ...at]);
  expect([nobody.code, nobody.stdout]).toEqual([1, ""]);
  expect(nobody.stderr).toMatch(/^agentrt: .*"nobody".* \[NO_SUCH_AGENT\]\n$/);
  const strange = await runAgentrt(["call", "device_agent/home", "{}", "--type", "Strange", ...at]);
  expect([strange.code, strange.stdout]).toEqual([1, ""]);
  expect(strange.stderr).toContain("[CANNOT_HANDLE]");
});

test("ls - workers, agents, subscriptions and topics of a running host", async () => {
  const workers = await runAgentrt(["ls", "workers", ...at]);
  expect([workers.code, workers.stderr]).toEqual([0, ""]);
  expect(workers.stdout).toMatch(/^WORKER +PEER +SINCE +TYPES /);
  const agents = await runAgentrt(["ls", "agents", "--filter", "device_agent", "--json", ...at]);
  expect(JSON.parse(agents.stdout)).toEqual({
    agents: [
      {
        agentType: "device_agent",
        clientId: expect.any(String),
        peer: expect.any(String),
        topics: ["environment_data", "device_commands"],
      },
    ],
    leftOut: 0,
  });
  const subscriptions = await runAgentrt(["ls", "subscriptions", "--limit", "1", ...at]);
  expect(subscriptions.stdout.trimEnd().split("\n")).toHaveLength(2);
  expect(subscriptions.stderr).toMatch(/^agentrt: \d+ more; --limit and --filter choose\.\n$/);
  const topics = await runAgentrt([
    "ls",
    "topics",
    "--filter",
    "environment_data",
    "--json",
    ...at,
  ]);
  expect(JSON.parse(topics.stdout)).toMatchObject({ topics: [{ topicType: "environment_data" }] });
});

test("commands - under a Chinese locale people read Chinese, and programs the same JSON", async () => {
  const env = { LANG: "zh_CN.UTF-8" };
  const chinese = async (...args: string[]) => await runAgentrt([...args, ...at], { env });
  expect((await chinese("ls", "topics")).stdout).toMatch(
    /^主题 +消息 +每秒 +投递 +丢弃 +队列满时 +字节 +最近\n/,
  );
  expect((await chinese("top")).stdout).toMatch(/\n事件 收到 \d+（-\/秒），投递 \d+/);
  expect((await chinese("pub", "zh", "x")).stdout).toBe("已向 zh/default 发布 1 条\n");
  const none = ["ls", "topics", "--filter", "none"];
  expect((await chinese(...none)).stderr).toMatch(/\p{Script=Han}/u);
  expect((await runAgentrt([...none, ...at])).stderr).toBe(
    'agentrt: The host has no topics with "none" in a name.\n',
  );
  const args = ["ls", "subscriptions", "--json", "--filter", "device_agent"];
  const inChinese = await chinese(...args);
  expect(inChinese.stdout).not.toMatch(/\p{Script=Han}/u);
  expect(inChinese).toEqual(await runAgentrt([...args, ...at]));
});

test("top - one picture where no terminal is, and the whole report as JSON", async () => {
  const text = await runAgentrt(["top", ...at]);
  expect([text.code, text.stderr]).toEqual([0, ""]);
  expect(text.stdout).toMatch(/^agentrt \d+\.\d+\.\d+ 127\.0\.0\.1:\d+ {2}ready {2}up \d+/);
  expect(text.stdout).toMatch(/environment_data +\d+\.\d +\d+ +\d+\n/);
  expect(text.stdout).not.toContain("\u001b");
  const json = await runAgentrt(["top", "--json", ...at]);
  expect(JSON.parse(json.stdout)).toMatchObject({ state: "ready", totals: expect.any(Object) });
});

test.each(["q", "\u0003"])(
  "top - on a terminal it is live until the key %p, and leaves it as it was",
  async (key) => {
    await using top = new TerminalSession([agentrtBinary(), "top", "--every", "100ms", ...at], {
      LANG: "C",
    });
    // A rate is there from the second picture on.
    await top.waitForScreen(/events \d+ in \(\d+\.\d\/s\)/);
    top.type(key);
    expect(await top.exited).toBe(0);
    await top.waitForScreen("\u001b[?25h\u001b[?1049l");
  },
);

test("state - saved to a file and to standard output, and loaded back", async () => {
  const file = join(folder, "state.json");
  const saved = await runAgentrt(["state", "save", "device_agent/attic", file, ...at]);
  expect(saved).toEqual({
    code: 0,
    stdout: `state of device_agent/attic saved to ${file}\n`,
    stderr: "",
  });
  const text = await readFile(file, "utf8");
  const changed = text.replace('"state": "off"', '"state": "on"');
  expect(changed).not.toBe(text);
  await writeFile(file, changed);
  const loaded = await runAgentrt(["state", "load", "device_agent/attic", file, "--json", ...at]);
  expect(loaded.stdout).toBe(`${JSON.stringify({ agent: "device_agent/attic", loaded: file })}\n`);
  const shown = await runAgentrt(["state", "save", "device_agent/attic", ...at]);
  expect(JSON.parse(shown.stdout)).toEqual(JSON.parse(changed));
});

test("state - a state that does not fit, and an agent that is not there", async () => {
  const file = join(folder, "wrong.json");
  await writeFile(file, "[1]");
  const wrong = await runAgentrt(["state", "load", "device_agent/attic", file, ...at]);
  expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
  expect(wrong.stderr).toMatch(/^agentrt: .*\n$/);
  const absent = await runAgentrt(["state", "save", "nobody/one", "--timeout", "2s", ...at]);
  expect([absent.code, absent.stdout]).toEqual([1, ""]);
  expect(absent.stderr).toContain("nobody");
});
