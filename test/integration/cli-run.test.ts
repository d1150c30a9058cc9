import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { AgentId } from "../../src/core/agent-id.ts";
import { defineAgent } from "../../src/core/define-agent.ts";
import { defineMessage } from "../../src/core/message-type.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

const HOST = ["--role", "host", "--listen", "127.0.0.1:0", "--data", "none"];

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-cli-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A port of 127.0.0.1 that is taken while `use` runs. */
async function withTakenPort(use: (port: number) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  try {
    await use(typeof address === "object" && address !== null ? address.port : 0);
  } finally {
    server.close();
  }
}

/** What a process wrote to standard error that is no log record. */
function linesOf(child: AgentrtProcess): readonly string[] {
  return child.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
}

test.each(["SIGTERM", "SIGINT"] as const)("cli - %s stops a host gracefully", async (signal) => {
  await using host = startAgentrt([...HOST, "--http", "127.0.0.1:0"]);
  const { properties } = await host.waitForLog("host ready");
  expect(properties["listen"]).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  const page = await fetch(`${String(properties["http"])}/healthz`);
  expect(page.status).toBe(200);
  expect(await host.stop(signal)).toBe(0);
  expect(host.logs.at(-1)?.message).toBe("stopped");
  expect(linesOf(host)).toEqual([]);
});

test("cli - without a page the host runs all the same", async () => {
  await using host = startAgentrt([...HOST, "--http", "off"]);
  expect((await host.waitForLog("host ready")).properties["http"]).toBe("off");
  expect(await host.stop()).toBe(0);
});

test("cli - flag, variable and file give their settings to one host", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "agentrt.toml");
    await writeFile(file, 'role = ["host"]\nhttp = "127.0.0.1:1"\nlisten = "127.0.0.1:2"\n');
    await using host = startAgentrt(["--config", file, "--listen", "127.0.0.1:0"], {
      env: { AGENTRT_HTTP: "off", AGENTRT_DATA: "none" },
    });
    expect((await host.waitForLog("host ready")).properties).toMatchObject({ http: "off" });
    expect(await host.stop()).toBe(0);
  });
});

test.each([
  ["--listen", ["--http", "off"]],
  ["--http", ["--listen", "127.0.0.1:0"]],
])("cli - a port of %s that is taken is a clear line and exit code 1", async (flag, rest) => {
  await withTakenPort(async (port) => {
    const address = `127.0.0.1:${port}`;
    await using host = startAgentrt(["--role", "host", "--data", "none", ...rest, flag, address]);
    expect(await host.waitForExit()).toBe(1);
    const lines = linesOf(host);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(`agentrt: ${flag}: `);
    expect(lines[0]).toContain(address);
    expect(lines[0]).toContain("Stop it, or choose another port");
  });
});

test("cli - a port of --ui that is taken is a clear line and exit code 1", async () => {
  await withTakenPort(async (port) => {
    const address = `127.0.0.1:${port}`;
    await using ui = startAgentrt(["--role", "ui-agent", "--data", "none", "--ui", address]);
    expect(await ui.waitForExit()).toBe(1);
    expect(linesOf(ui)).toEqual([expect.stringContaining("agentrt: --ui: ")]);
  });
});

test("cli - a data folder that cannot be one is a clear line and exit code 1", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await using host = startAgentrt([...HOST, "--http", "off", "--data", file]);
    expect(await host.waitForExit()).toBe(1);
    expect(linesOf(host)).toEqual([expect.stringMatching(/^agentrt: .*--data none/)]);
  });
});

test("cli - agents that wait for a host stop when they are told to", async () => {
  await withTakenPort(async (port) => {
    const dial = ["--host-address", `127.0.0.1:${port}`, "--data", "none"];
    await using agents = startAgentrt(["--role", "device-agent,security-agent", ...dial]);
    await agents.waitForLog("joining host");
    expect(await agents.stop()).toBe(0);
    expect(agents.logs.at(-1)?.message).toBe("stopped");
  });
});

test("cli - the demo prints two addresses that open, in one process, and ends on Ctrl-C", async () => {
  const ports = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ui", "127.0.0.1:0"];
  await using demo = startAgentrt(["demo", "--data", "none", ...ports], { env: { LANG: "C" } });
  await demo.waitForStdout("Ctrl-C stops it.");
  expect(demo.stdout).toMatch(/\n {2}\S*agentrt sub '\*' --host-address 127\.0\.0\.1:\d+\n/);
  const urls = demo.stdout.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? [];
  expect(urls).toHaveLength(2);
  for (const url of urls) {
    expect((await fetch(url)).status).toBe(200);
  }
  expect(await demo.stop("SIGINT")).toBe(0);
  expect(demo.stdout).toEndWith("Stopping …\n");
  const wrong = demo.logs.filter(({ level }) => level === "ERROR" || level === "FATAL");
  expect(wrong).toEqual([]);
});

test("cli - a second signal ends a stop that takes long", async () => {
  await using host = startAgentrt([...HOST, "--http", "off", "--drain-timeout", "10m"]);
  const hostAddress = String((await host.waitForLog("host ready")).properties["listen"]);
  const Ask = defineMessage("Ask", v.object({}));
  const asked = Promise.withResolvers<void>();
  await using worker = new GrpcWorkerAgentRuntime({ hostAddress, drainTimeoutMs: 0 });
  const silent = defineAgent({
    description: "Never answers",
    setup(agent) {
      agent.handleRpc(Ask, () => {
        asked.resolve();
        return new Promise<never>(() => undefined);
      });
    },
  });
  await worker.registerFactory("silent", silent);
  await worker.start();
  const call = worker.sendMessage(Ask.of({}), new AgentId("silent", "one"));
  call.catch(() => undefined);
  await asked.promise;

  host.signal("SIGTERM");
  await host.waitForLog("stopping");
  expect(host.isRunning).toBe(true);
  await waitFor(
    () => {
      host.signal("SIGINT");
      return !host.isRunning;
    },
    { what: "the host to end at once" },
  );
  expect(await host.exited).toBe(130);
  expect(host.logs.some(({ message }) => message === "stopped")).toBe(false);
});
