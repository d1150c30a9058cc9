/** The commands for people against AutoGen's own host, which has neither a report nor a health service. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";
import { type RunningHost, SETUP_TIMEOUT_MS, startAutogenHost, TEST_TIMEOUT_MS } from "./stage.ts";

setDefaultTimeout(TEST_TIMEOUT_MS);

let host: RunningHost;
let at: readonly string[];

beforeAll(async () => {
  host = await startAutogenHost();
  at = ["--host-address", host.address];
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

test.each([[["ls", "workers"]], [["ls", "agents"]], [["ls", "topics"]], [["top"]]])(
  "autogen host - %p says that this needs agentrt's, and what works",
  async (args) => {
    expect(await runAgentrt([...args, ...at])).toEqual({
      code: 1,
      stdout: "",
      stderr: `agentrt: The host at ${host.address} does not report on itself: it is not agentrt, or an older one. Its subscriptions are listed all the same: agentrt ls subscriptions. [NOT_SUPPORTED]\n`,
    });
  },
);

test("autogen host - pub, sub and ls subscriptions work", async () => {
  await using sub = startAgentrt(["sub", "chat", "--json", "--count", "1", ...at]);
  await waitFor(
    async () => {
      const { stdout } = await runAgentrt(["ls", "subscriptions", "--json", ...at]);
      return stdout.includes('"pattern":"chat"');
    },
    { what: "the subscription at the host", timeoutMs: 20_000 },
  );
  const pub = await runAgentrt(["pub", "chat/room", "hello", ...at]);
  expect(pub).toEqual({ code: 0, stdout: "1 published on chat/room\n", stderr: "" });
  expect(await sub.waitForExit(20_000)).toBe(0);
  expect(JSON.parse(sub.stdout)).toMatchObject({
    topic: "chat/room",
    dataType: "Message",
    data: { content: "hello" },
  });
});

test("autogen host - everything can be watched", async () => {
  await using sub = startAgentrt(["sub", "*", "--json", "--count", "2", ...at]);
  await waitFor(
    async () => {
      const { stdout } = await runAgentrt(["ls", "subscriptions", ...at]);
      return stdout.includes("\n* ");
    },
    { what: "the subscription at the host", timeoutMs: 20_000 },
  );
  await runAgentrt(["pub", "one/room", "hello", ...at]);
  await runAgentrt(["pub", "two", "hello", ...at]);
  expect(await sub.waitForExit(20_000)).toBe(0);
  const topics = sub.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).topic);
  expect(topics).toEqual(["one/room", "two/default"]);
});

test("autogen host - doctor finds it well, but for what it does not have", async () => {
  const { code, stdout } = await runAgentrt(["doctor", host.address, "--json"]);
  const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string }[] };
  expect(checks.map(({ name, verdict }) => [name, verdict])).toEqual([
    ["name", "ok"],
    ["port", "ok"],
    ["http2", "ok"],
    ["tls", "ok"],
    ["health", "warning"],
    ["protocol", "ok"],
    ["client id", "ok"],
    ["messages", "ok"],
    ["report", "warning"],
  ]);
  expect(code).toBe(0);
});
