/** Has today's program write data folders with everything that it stores, as the next version of the corpus. */
import { Database } from "bun:sqlite";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { AgentId, defineMessage, GrpcWorkerAgentRuntime, TopicId, TypeSubscription } from "agentrt";
import * as v from "valibot";
import { openMessageLog } from "../../src/store/log/open-message-log.ts";
import { type AgentrtProcess, startAgentrt } from "../../test/kit/process.ts";
import { runAgentrt } from "../../test/kit/run-to-end.ts";
import { waitFor } from "../../test/kit/wait.ts";
import { contentOfHost, contentOfWorker } from "../../test/store/corpus/folder-content.ts";

/** Agents that are in the worker's folder. */
export const AGENTS = ["reader/shop", "strict/shop"] as const;
const AGENT_FILE = resolve(import.meta.dir, "reading-agents.ts");
const Order = defineMessage("Order", v.object({ n: v.number() }));
const FAR_MS = Date.UTC(2100, 0);

async function run(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runAgentrt(args);
  if (code !== 0) {
    throw new Error(`agentrt ${args.join(" ")} ended with ${code}: ${stderr}`);
  }
}

function startHost(data: string): AgentrtProcess {
  return startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", data],
  ]);
}

/** @returns where it listens */
async function whenReady(host: AgentrtProcess): Promise<string> {
  const { properties } = await host.waitForLog("host ready");
  return String(properties["listen"]);
}

async function declare(address: string): Promise<void> {
  const at = ["--host-address", address];
  await run("topic", "set", "orders", "--durable", ...at);
  await run("topic", "set", "strict", "--durable", "--max-deliver", "1", ...at);
  const limits = ["--retention-age", "30d", "--retention-count", "9", "--retention-size", "1GiB"];
  await run("topic", "set", "old*", "--durable", ...limits, "--ttl", "1h", ...at);
  await run("topic", "set", "orders.test", "--no-durable", ...at);
}

async function publish(runtime: GrpcWorkerAgentRuntime): Promise<void> {
  const orders = new TopicId("orders", "shop");
  const sender = new AgentId("teller", "ü/1");
  const order = (n: number): object => Order.of({ n });
  await Promise.all([
    runtime.publishMessage(order(1), orders, { sender }),
    runtime.publishMessage(order(2), orders, { sender, messageId: "order-2" }),
    runtime.publishMessage(order(3), orders, { sender }),
  ]);
  await runtime.publishMessage(order(4), orders, { priority: "high" });
  await runtime.publishMessage(order(13), orders);
  await runtime.publishMessage(order(5), orders);
  for (const n of [6, 13, 7]) {
    await runtime.publishMessage(order(n), new TopicId("strict", "shop"));
  }
  await runtime.publishMessage(order(100), orders, { deliverAt: FAR_MS });
  // Nobody holds the agent type, so that it becomes a dead letter.
  await runtime.addSubscription(new TypeSubscription("lost", "nobody"));
  await runtime.publishMessage(order(0), new TopicId("lost", "shop"), { sender });
}

/** An agent handles all but what it fails at, and each of these once or twice. */
async function fill(folder: string): Promise<void> {
  await using host = startHost(join(folder, "host"));
  const address = await whenReady(host);
  await declare(address);
  await using worker = startAgentrt([
    ...["--role", "worker", "--host-address", address, "--agent", AGENT_FILE],
    ...["--data", join(folder, "worker")],
  ]);
  await worker.waitForLog("worker connected");
  const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
  runtime.addMessageType(Order);
  await runtime.start();
  await publish(runtime);
  await host.waitForLog("a durable message was given up; it is with the dead ones");
  const handled = [
    [1, 2, 3, 4, 5],
    [6, 7],
  ];
  const states = (): unknown[] =>
    contentOfWorker(join(folder, "worker"), AGENTS).map(({ state }) => state);
  await waitFor(() => Bun.deepEquals(states(), handled), { what: "seven handled orders" });
  await worker.stop();
  // Nobody is there to read these.
  await runtime.publishMessage(Order.of({ n: 8 }), new TopicId("orders", "shop"));
  await runtime.publishMessage(Order.of({ n: 9 }), new TopicId("orders", "shop"));
  await runtime.stop();
  await host.stop();
}

/** A schedule, and a batch that the disk has damaged. */
async function addRest(folder: string): Promise<void> {
  {
    await using log = await openMessageLog(folder);
    const all = [{ kind: "prefix", text: "" }] as const;
    const read = await log.read({ patterns: all, from: 1, maxBatches: 1, maxBytes: 1e6 });
    const [batch] = read.batches;
    if (batch === undefined) {
      throw new Error("Nothing was stored.");
    }
    await log.putSchedule({ name: "daily", pattern: "0 8 * * *", nextAtMs: FAR_MS, batch });
  }
  const database = new Database(join(folder, "log.sqlite"));
  database.run(
    "UPDATE batches SET records = zeroblob(length(records)) WHERE position = (SELECT max(position) FROM batches)",
  );
  database.close();
  await runAgentrt(["data", "check", "--data", folder]);
}

/** Writes a new folder beside the older ones. @returns its path */
export async function recordData(corpus: string): Promise<string> {
  const data = resolve(corpus, "data");
  await mkdir(data, { recursive: true });
  const versions = (await readdir(data)).map(Number);
  const folder = join(data, String(Math.max(0, ...versions) + 1));
  const made = await mkdtemp(join(tmpdir(), "agentrt-corpus-"));
  try {
    await fill(made);
    await addRest(join(made, "host"));
    await cp(made, folder, { recursive: true });
    const content = {
      agents: AGENTS,
      worker: contentOfWorker(join(made, "worker"), AGENTS),
      host: await contentOfHost(join(made, "host")),
    };
    await Bun.write(join(folder, "content.jsonl"), `${JSON.stringify(content)}\n`);
    await Bun.write(join(folder, "program.txt"), (await runAgentrt(["--version"])).stdout);
    return folder;
  } finally {
    await rm(made, { recursive: true });
  }
}
