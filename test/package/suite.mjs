// Runs in a project of its own, under Node.js and under Bun, from the installed tarball.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  AgentId,
  AgentrtError,
  createMemoryStore,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  GrpcWorkerAgentRuntimeHost,
  isolated,
  Message,
  openMessageLog,
  openSqliteStore,
  RoutedAgent,
  registerAgent,
  SingleThreadedAgentRuntime,
  startPageServer,
  TopicId,
} from "agentrt";

const isBun = process.versions.bun !== undefined;

const Reading = defineMessage("Reading", (value) => {
  const { celsius } = Object(value);
  if (typeof celsius !== "number") {
    throw new TypeError("celsius must be a number");
  }
  return { celsius };
});
const GetMean = defineMessage("GetMean", () => ({}));
const Mean = defineMessage("Mean", (value) => value);

const mean = defineAgent({
  type: "mean",
  subscriptions: ["readings"],
  description: "Keeps a mean",
  setup(agent) {
    let values = [];
    agent.handleEvent(Reading, ({ celsius }) => {
      values.push(celsius);
    });
    agent.handleRpc(GetMean, () =>
      Mean.of({ mean: values.reduce((sum, value) => sum + value, 0) / values.length }),
    );
    return {
      saveState: () => values,
      loadState: (state) => {
        values = [...state];
      },
    };
  },
});

class Echo extends RoutedAgent {
  static agentType = "echo";
  constructor() {
    super("Says it again");
    this.handleRpc(Reading, (reading) => Reading.of(reading));
  }
}

async function codeOf(step) {
  try {
    await step();
  } catch (error) {
    return AgentrtError.from(error).code;
  }
  return "none";
}

test("package - agents in one process, with state", async () => {
  const stateStore = createMemoryStore();
  for (const expected of [20, 21]) {
    const runtime = new SingleThreadedAgentRuntime({ stateStore });
    runtime.addMessageType(Mean);
    await registerAgent(runtime, mean);
    await runtime.start();
    const celsius = expected === 20 ? 20 : 22;
    await runtime.publishMessage(Reading.of({ celsius }), new TopicId("readings", "kitchen"));
    await runtime.idle();
    const answer = await runtime.sendMessage(GetMean.of({}), new AgentId("mean", "kitchen"));
    assert.deepEqual(answer, { mean: expected });
    await runtime.stop();
  }
});

test("package - a host and two workers over the network", async () => {
  const host = new GrpcWorkerAgentRuntimeHost({ listen: "127.0.0.1:0" });
  await host.start();
  const worker = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  const client = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  try {
    await Promise.all([worker.start(), client.start()]);
    client.addMessageType(Reading);
    await registerAgent(worker, Echo);
    const reading = Reading.of({ celsius: 21.5 });
    assert.deepEqual(await client.sendMessage(reading, new AgentId("echo", "a")), reading);
    assert.equal(
      await codeOf(() => client.sendMessage(reading, new AgentId("nobody", "a"))),
      "NO_SUCH_AGENT",
    );
    const arrived = new Promise((resolve) => {
      worker
        .subscribe("chat", (message) => resolve(message.content))
        .then(() => client.publish(new Message({ content: "hello", topic: "chat" })), resolve);
    });
    assert.equal(await arrived, "hello");
  } finally {
    await client.stop();
    await worker.stop();
    await host.stop();
  }
});

test("package - a host keeps durable messages under Bun, and says so elsewhere", async () => {
  const folder = mkdtempSync(join(tmpdir(), "agentrt-package-"));
  try {
    if (!isBun) {
      assert.equal(await codeOf(() => openMessageLog(folder)), "NEEDS_BUN");
      return;
    }
    const messageLog = await openMessageLog(folder);
    const host = new GrpcWorkerAgentRuntimeHost({
      ...{ listen: "127.0.0.1:0", messageLog, durable: ["orders"] },
    });
    await host.start();
    const client = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
    await client.start();
    await client.publishMessage(Reading.of({ celsius: 4 }), new TopicId("orders", "a"));
    assert.equal((await messageLog.facts()).records, 1);
    await client.stop();
    await host.stop();
    await messageLog.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("package - what needs Bun says so elsewhere", async () => {
  const folder = process.env.AGENTRT_TEST_FOLDER;
  const store = await codeOf(() => openSqliteStore(folder)[Symbol.dispose]());
  assert.equal(store, isBun ? "none" : "NEEDS_BUN");
  const page = await codeOf(async () => {
    const app = { fetch: () => new Response("") };
    const server = await startPageServer(app, { address: "127.0.0.1:0" });
    await server.stop();
  });
  assert.equal(page, isBun ? "none" : "NEEDS_BUN");
  const module = new URL("./isolated.mjs", import.meta.url);
  const thread = await codeOf(() => isolated({ module, export: "risky" }));
  assert.equal(thread, isBun ? "none" : "NEEDS_BUN");
  const runtime = new SingleThreadedAgentRuntime();
  const options = { isolate: true };
  const type = await codeOf(() => runtime.registerFactory("risky", () => new Echo(), options));
  assert.equal(type, isBun ? "INVALID_OPTION" : "NEEDS_BUN");
});

test("package - isolated agents run under Bun", { skip: !isBun }, async () => {
  const runtime = new SingleThreadedAgentRuntime({ drainTimeoutMs: 0 });
  const module = new URL("./isolated.mjs", import.meta.url);
  await runtime.registerFactory("risky", isolated({ module, export: "risky" }), {
    handlerTimeoutMs: 1_500,
  });
  runtime.addMessageType(Mean);
  await runtime.start();
  const ask = async (celsius) =>
    await runtime.sendMessage(Reading.of({ celsius }), new AgentId("risky", "a"));
  assert.deepEqual(await ask(4), Mean.of({ sum: 4 }));
  assert.equal(await codeOf(() => ask(-1)), "DEADLINE");
  assert.deepEqual(await ask(5), Mean.of({ sum: 9 }));
  await runtime.stop();
});
