import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";

setDefaultTimeout(60_000);

/** Says on standard output when a handler begins, and when and why its signal aborts. */
const PATIENT = `
import { defineAgent, defineMessage } from "agentrt";

const Wait = defineMessage("Wait", () => ({}));

export const patient = defineAgent({
  type: "patient",
  description: "Waits until nobody waits for it any more",
  setup(agent) {
    agent.handleRpc(Wait, async (_message, { signal }) => {
      console.log("begun");
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      console.log("aborted", signal.reason.code);
    });
  },
});
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentrt-cancel-"));
  await writeFile(join(folder, "patient.ts"), PATIENT);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Pair extends AsyncDisposable {
  readonly worker: AgentrtProcess;
  readonly at: readonly string[];
}

/** A host and the worker of the patient agent, each a process. */
async function start(...hostFlags: readonly string[]): Promise<Pair> {
  const off = ["--data", "none"];
  const host = startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", ...off, ...hostFlags],
  ]);
  const { properties } = await host.waitForLog("host ready");
  const at = ["--host-address", String(properties["listen"])];
  const agent = join(folder, "patient.ts");
  const worker = startAgentrt(["--role", "worker", "--agent", agent, ...off, ...at]);
  await worker.waitForLog("worker connected", 20_000);
  return {
    worker,
    at,
    [Symbol.asyncDispose]: async () => {
      await worker[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
}

test("cancellation - the host's time limit for calls aborts the handler in another process", async () => {
  await using pair = await start("--rpc-timeout", "300ms");
  const call = await runAgentrt(["call", "patient/one", "--type", "Wait", ...pair.at]);
  expect(call.code).not.toBe(0);
  expect(call.stderr).toContain("gave no answer within 300 ms");
  await pair.worker.waitForStdout("begun\naborted CANCELLED\n");
});

test.each(["SIGKILL", "SIGTERM"] as const)(
  "cancellation - a caller's process that ends by %s aborts the handler that it waited for",
  async (signal) => {
    await using pair = await start();
    await using caller = startAgentrt(["call", "patient/one", "--type", "Wait", ...pair.at]);
    await pair.worker.waitForStdout("begun\n");
    caller.signal(signal);
    await pair.worker.waitForStdout("begun\naborted CANCELLED\n");
  },
);
