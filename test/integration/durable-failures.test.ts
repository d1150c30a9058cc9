/** What becomes of a message whose handler always fails, with the program. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

const MAX_DELIVER = 4;

/** Says each delivery as it comes; the packer packs 1 only when there is a box. */
const AGENTS = `
import { existsSync } from "node:fs";
import { defineAgent, defineMessage } from "agentrt";

const Order = defineMessage("Order", (value) => Object(value) as { n: number });

export const packer = defineAgent({
  type: "packer",
  description: "Packs orders",
  subscriptions: ["orders"],
  setup: (agent) => {
    agent.handleEvent(Order, ({ n }) => {
      console.log("packer", n, Date.now());
      if (n === 1 && !existsSync(process.env["BOX"] ?? "")) {
        throw new Error("there is no box");
      }
    });
  },
});

export const auditor = defineAgent({
  type: "auditor",
  description: "Looks at orders",
  subscriptions: ["orders"],
  setup: (agent) => {
    agent.handleEvent(Order, ({ n }) => console.log("auditor", n, Date.now()));
  },
});
`;

test("durable failures - a message is delivered so many times with growing pauses, is dead, and comes again by a replay", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-failures-"));
  try {
    const file = join(folder, "agents.ts");
    const box = join(folder, "box");
    await writeFile(file, AGENTS);
    await using host = startAgentrt([
      ...["--role=host", "--listen=127.0.0.1:0", "--http=off", `--data=${join(folder, "host")}`],
    ]);
    const { properties } = await host.waitForLog("host ready");
    const at = ["--host-address", String(properties["listen"])];
    const run = async (...args: readonly string[]): Promise<unknown> => {
      const { code, stdout, stderr } = await runAgentrt([...args, "--json", ...at]);
      expect([code, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout);
    };
    const publish = async (n: number): Promise<void> => {
      await run("pub", "orders/shop", JSON.stringify({ n }), "--type", "Order");
    };
    const startWorker = () =>
      startAgentrt(["--role=worker", "--agent", file, `--data=${join(folder, "worker")}`, ...at], {
        env: { BOX: box },
      });
    await run("topic", "set", "orders", "--durable", `--max-deliver=${MAX_DELIVER}`);
    {
      // So that both are subscribed, and what is published next is delivered together.
      await using early = startWorker();
      await early.waitForLog("worker connected");
      await publish(0);
      await early.waitForStdout(/packer 0/);
      await early.waitForStdout(/auditor 0/);
      expect(await early.stop()).toBe(0);
    }
    for (const n of [1, 2, 3]) {
      await publish(n);
    }
    await using worker = startWorker();
    const deliveries = (type: string): { n: number; atMs: number }[] =>
      worker.stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => line.split(" "))
        .filter(([name]) => name === type)
        .map(([, n, atMs]) => ({ n: Number(n), atMs: Number(atMs) }));
    const numbers = (type: string): number[] => deliveries(type).map(({ n }) => n);
    const dead = await waitFor(
      async () => {
        const found = (await run("dead", "list")) as { id: number }[];
        return found.length > 0 && found;
      },
      { what: "the dead one" },
    );
    const given = {
      topic: "orders/shop",
      subscription: "packer",
      reason: "MAX_DELIVER",
      attempts: MAX_DELIVER,
      lastError: expect.stringContaining("there is no box"),
    };
    expect(dead).toMatchObject([given]);
    expect(await run("dead", "show", String(dead[0]?.id))).toMatchObject({
      ...given,
      message: { topic: "orders/shop", dataType: "Order", data: { n: 1 } },
    });
    // Others go on while it waits, which is never shorter than it is said.
    expect(numbers("packer")).toEqual([1, 2, 3, 1, 1, 1]);
    const times = deliveries("packer").flatMap(({ n, atMs }) => (n === 1 ? [atMs] : []));
    const pauses = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    for (const [index, pauseMs] of pauses.entries()) {
      expect(pauseMs).toBeGreaterThanOrEqual(100 * 2 ** index);
    }
    await publish(4);
    await waitFor(() => numbers("packer").includes(4), { what: "what came later" });
    expect(numbers("packer")).toEqual([1, 2, 3, 1, 1, 1, 4]);

    // Without a box it is tried as often as before.
    const id = String(dead[0]?.id);
    await run("dead", "replay", id);
    await waitFor(async () => ((await run("dead", "list")) as unknown[]).length === 1, {
      what: "it to be dead again",
    });
    expect(numbers("packer")).toEqual([1, 2, 3, 1, 1, 1, 4, 1, 1, 1, 1]);
    expect(await run("dead", "list")).toMatchObject([given]);
    await writeFile(box, "");
    await run("dead", "replay", "all");
    await waitFor(() => numbers("packer").length === 12, { what: "it to be packed" });
    await publish(5);
    await waitFor(() => numbers("packer").includes(5), { what: "the last one" });
    expect(numbers("packer")).toEqual([1, 2, 3, 1, 1, 1, 4, 1, 1, 1, 1, 1, 5]);
    expect(await run("dead", "list")).toEqual([]);
    // A replay is for the subscription that gave it up.
    await waitFor(() => numbers("auditor").includes(5), { what: "the auditor" });
    expect(numbers("auditor")).toEqual([1, 2, 3, 4, 5]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
