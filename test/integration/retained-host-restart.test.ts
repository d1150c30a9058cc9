import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

/** Publishes one retained value when it is asked to, and nothing by itself. */
const LAMP = `
import { defineAgent, defineMessage, TopicId } from "agentrt";

const Lamp = defineMessage("Lamp", (value) => Object(value) as { state: string });

export const lamp = defineAgent({
  type: "lamp",
  description: "Remembers nothing; says its state",
  setup(agent) {
    agent.handleRpc(Lamp, async ({ state }) => {
      await agent.publishMessage(Lamp.of({ state }), new TopicId("lamps", "hall"), { retain: true });
    });
  },
});
`;

test("retained values - a new subscriber gets them at once from a host that was killed and started again, with their age, while their owner is idle", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-retained-"));
  const port = await freePort();
  const at = ["--host-address", `127.0.0.1:${port}`];
  const quiet = ["--data", "none"];
  const startHost = async (): Promise<AgentrtProcess> => {
    const host = startAgentrt([
      ...["--role", "host", "--listen", `127.0.0.1:${port}`, "--http", "off", ...quiet],
    ]);
    await host.waitForLog("host ready");
    return host;
  };
  const startSub = (): AgentrtProcess => startAgentrt(["sub", "lamps", "--json", ...at]);
  try {
    await writeFile(join(folder, "lamp.ts"), LAMP);
    await using first = await startHost();
    await using owner = startAgentrt([
      ...["--role", "worker", "--agent", join(folder, "lamp.ts"), ...quiet, ...at],
    ]);
    await owner.waitForLog("worker connected", 20_000);
    await using old = startSub();
    await waitFor(
      async () => (await runAgentrt(["ls", "subscriptions", ...at])).stdout.includes("lamps"),
      { what: "the old subscriber", timeoutMs: 20_000 },
    );
    const ask = ["call", "lamp/one", "--type", "Lamp"];
    expect((await runAgentrt([...ask, '{"state":"on"}', ...at])).code).toBe(0);
    await old.waitForStdout('"on"');
    const publishedAt = Date.now();

    const seen = owner.logs.length;
    await first.kill();
    await using second = await startHost();
    await owner.waitForLog("worker connected", 20_000, seen);
    await using late = startSub();
    await late.waitForStdout(/"on".*\n/, 20_000);
    const line = JSON.parse(late.stdout.trim()) as { headers: Record<string, string> };
    const ageMs = Number(line.headers["agentrtage"]);
    expect(ageMs).toBeGreaterThan(0);
    expect(ageMs).toBeLessThanOrEqual(Date.now() - publishedAt + 1_000);

    // What comes afterwards is the second line of the old one: it did not get the value twice.
    expect((await runAgentrt([...ask, '{"state":"off"}', ...at])).code).toBe(0);
    await old.waitForStdout('"off"', 20_000);
    expect(old.stdout.trim().split("\n")).toHaveLength(2);
    expect(second.isRunning).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
