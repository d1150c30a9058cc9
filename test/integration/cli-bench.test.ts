import { expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

const WORKS = [
  "one way, each awaited",
  "one way, 256 at a time",
  "calls, one at a time",
  "calls, 256 in flight",
];

test("bench - a host of its own: every work, counted, as JSON", async () => {
  const { code, stdout, stderr } = await runAgentrt([
    ...["bench", "--duration", "20ms", "--payload-size", "64", "--json"],
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const { address, hasOwnHost, payloadBytes, results } = JSON.parse(stdout);
  expect([hasOwnHost, payloadBytes]).toEqual([true, 64]);
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(results.map(({ work }: { work: string }) => work)).toEqual(WORKS);
  for (const row of results) {
    expect(row).toMatchObject({ lost: 0, duplicates: 0 });
    expect(row.count).toBeGreaterThan(0);
    expect(row.perSecond).toBeGreaterThan(0);
  }
  expect(results[2].p99Ms).toBeGreaterThanOrEqual(results[2].p50Ms);
});

test("bench - a given host: a table, and nothing is left there", async () => {
  await using host = startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", "none"],
  ]);
  const { properties } = await host.waitForLog("host ready");
  const address = String(properties["listen"]);
  const at = ["--host-address", address];
  const { code, stdout, stderr } = await runAgentrt(["bench", "--duration", "20ms", ...at]);
  expect([code, stderr]).toEqual([0, ""]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(
    new RegExp(`^agentrt \\S+, the host at ${address}, payloads of 128 bytes$`),
  );
  expect(lines[2]).toMatch(/^WORK +COUNT +PER SECOND +MB\/S +P50 MS +P99 MS +LOST$/);
  expect(lines.slice(3).map((line) => line.split(/ {2,}/)[0])).toEqual(WORKS);
  await waitFor(
    async () =>
      (await runAgentrt(["ls", "agents", "--json", ...at])).stdout ===
      '{"agents":[],"leftOut":0}\n',
    { what: "a host without agents", timeoutMs: 20_000 },
  );
});

test("bench - large messages are fewer at once", async () => {
  const { code, stdout, stderr } = await runAgentrt([
    ...["bench", "--duration", "20ms", "--payload-size", "1MiB", "--json"],
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const works = JSON.parse(stdout).results.map(({ work }: { work: string }) => work);
  expect(works.slice(1)).toEqual([
    ...["one way, 8 at a time", "calls, one at a time", "calls, 8 in flight"],
  ]);
});

test("bench - a host that sheds messages is found out", async () => {
  await using host = startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", "none"],
    ...["--outbox-max-messages", "280", "--publisher-hold", "0s", "--max-message-size", "64MiB"],
  ]);
  const { properties } = await host.waitForLog("host ready");
  const { code, stdout, stderr } = await runAgentrt([
    ...["bench", "--duration", "1s", "--host-address", String(properties["listen"]), "--json"],
    // agentrt's own dialect slows its publishers down instead.
    ...["--payload-size", "16KiB", "--dialect", "autogen"],
  ]);
  const { results } = JSON.parse(stdout);
  expect(results.some(({ lost }: { lost: number }) => lost > 0)).toBe(true);
  expect(code).toBe(1);
  expect(stderr).toBe("agentrt: Messages were lost or came twice; the rates count what came.\n");
});

test("bench - its processes end when it is killed", async () => {
  await using bench = startAgentrt(["bench", "--duration", "60s"]);
  let parts: readonly number[] = [];
  await waitFor(
    async () => {
      parts = await childrenOf(bench.pid);
      return parts.length === 2;
    },
    { what: "host and receiver", timeoutMs: 20_000 },
  );
  process.kill(bench.pid, "SIGKILL");
  await waitFor(async () => (await Promise.all(parts.map(isAlive))).every((alive) => !alive), {
    what: "the end of both",
    timeoutMs: 20_000,
  });
});

test("bench - Ctrl-C ends it, and it says so", async () => {
  await using bench = startAgentrt(["bench", "--duration", "60s"], { env: { LANG: "C" } });
  await waitFor(async () => (await childrenOf(bench.pid)).length === 2, {
    what: "host and receiver",
    timeoutMs: 20_000,
  });
  expect(await bench.stop("SIGINT")).toBe(1);
  expect(bench.stderr).toEndWith("[CANCELLED]\n");
  expect(bench.stdout).toBe("");
});

test.each([
  [["--payload-size", "5MiB"], 2, "does not fit into a message of at most 4194304 bytes"],
  [["--payload-size", "3"], 2, "--payload-size"],
  [["--host-address", "127.0.0.1:1", "--connect-timeout", "200ms"], 1, "[NOT_CONNECTED]"],
])("bench - %p is refused", async (args, code, text) => {
  const outcome = await runAgentrt(["bench", "--duration", "20ms", ...args]);
  expect([outcome.code, outcome.stdout]).toEqual([code, ""]);
  expect(outcome.stderr).toContain(text);
});

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

async function isAlive(pid: number): Promise<boolean> {
  // A process that has ended and that nobody has asked about is still listed, as a zombie.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}
