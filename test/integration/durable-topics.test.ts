import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentId } from "../../src/core/agent-id.ts";
import { defineMessage } from "../../src/core/message-type.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

const TIMEOUT_MS = 60_000;

const Order = defineMessage("Order", (value) => value as { n: number });
const Ask = defineMessage("Ask", () => ({}));
const Told = defineMessage("Told", (value) => value as { seen: Record<string, number> });
type Told = { readonly seen: Readonly<Record<string, number>> };

/** Counts how often it has handled each number. */
const COUNTER = `
import { defineAgent, defineMessage } from "agentrt";

const Order = defineMessage("Order", (value) => value as { n: number });
const Ask = defineMessage("Ask", () => ({}));
const Told = defineMessage("Told", (value) => value as { seen: Record<string, number> });

export const counter = defineAgent({
  type: "counter",
  subscriptions: ["orders"],
  description: "Counts",
  setup(agent) {
    let seen: Record<string, number> = {};
    agent.handleEvent(Order, ({ n }) => { seen[n] = (seen[n] ?? 0) + 1; });
    agent.handleRpc(Ask, () => Told.of({ seen }));
    return { saveState: () => seen, loadState: (state) => { seen = state as typeof seen; } };
  },
});
`;

const ORDERS = new TopicId("orders", "one");

class World implements AsyncDisposable {
  readonly folder: string;
  readonly #port: number;
  host: AgentrtProcess | undefined;
  worker: AgentrtProcess | undefined;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.#port = port;
  }

  static async make(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "agentrt-durable-"));
    await writeFile(join(folder, "counter.ts"), COUNTER);
    return new World(folder, await freePort());
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async startHost(...args: readonly string[]): Promise<void> {
    this.host = startAgentrt([
      ...["--role=host", `--listen=${this.address}`, "--http=off", "--durable-topics=orders"],
      ...[`--data=${join(this.folder, "host")}`, ...args],
    ]);
    await this.host.waitForLog("host ready", TIMEOUT_MS);
  }

  async startWorker(): Promise<void> {
    this.worker = startAgentrt([
      ...["--role=worker", `--host-address=${this.address}`],
      ...[`--agent=${join(this.folder, "counter.ts")}`, `--data=${join(this.folder, "worker")}`],
    ]);
    await this.worker.waitForLog("worker connected", TIMEOUT_MS);
  }

  async connect(): Promise<GrpcWorkerAgentRuntime> {
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress: this.address, backoffMaxMs: 200 });
    runtime.addMessageType(Told);
    await runtime.start();
    return runtime;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker?.[Symbol.asyncDispose]();
    await this.host?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function kill(process: AgentrtProcess | undefined): Promise<void> {
  process?.signal("SIGKILL");
  await process?.exited;
}

async function seenBy(runtime: GrpcWorkerAgentRuntime): Promise<Told["seen"]> {
  const answer = await runtime.sendMessage<Told>(Ask.of({}), new AgentId("counter", "one"));
  return answer?.seen ?? {};
}

/** Publishes one after the other, and again what failed, until it is told to stop. */
class Publisher {
  readonly acknowledged: number[] = [];
  readonly #runtime: GrpcWorkerAgentRuntime;
  #isStopped = false;
  readonly #running: Promise<unknown>;

  constructor(runtime: GrpcWorkerAgentRuntime, lanes: number) {
    this.#runtime = runtime;
    this.#running = Promise.all(Array.from({ length: lanes }, (_, lane) => this.#run(lane, lanes)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(lane: number, lanes: number): Promise<void> {
    for (let n = lane; !this.#isStopped; n += lanes) {
      await this.#runtime.publishMessage(Order.of({ n }), ORDERS);
      this.acknowledged.push(n);
    }
  }
}

test(
  "durable topics - through kills of the host and of the worker, each acknowledged message is counted once",
  async () => {
    await using world = await World.make();
    await world.startHost();
    await world.startWorker();
    await using runtime = await world.connect();
    const publisher = new Publisher(runtime, 8);
    const more = async (count: number): Promise<void> => {
      const until = publisher.acknowledged.length + count;
      await waitFor(() => publisher.acknowledged.length >= until, {
        ...{ what: "more acknowledged messages", timeoutMs: TIMEOUT_MS },
      });
    };
    await more(100);
    await kill(world.host);
    await world.startHost();
    await more(100);
    await kill(world.worker);
    await more(100);
    await world.startWorker();
    await more(100);
    await kill(world.host);
    await kill(world.worker);
    await world.startHost();
    await world.startWorker();
    await more(100);
    await publisher.stop();

    const wanted = Object.fromEntries(publisher.acknowledged.map((n) => [String(n), 1]));
    const seen = await waitFor(
      async () => {
        const now = await seenBy(runtime).catch(() => ({}));
        return Object.keys(now).length >= publisher.acknowledged.length ? now : undefined;
      },
      { what: "every message counted", timeoutMs: TIMEOUT_MS },
    );
    expect(seen).toEqual(wanted);
  },
  3 * TIMEOUT_MS,
);

test(
  "durable topics - a full store refuses by its code, tells nobody otherwise, and recovers when it has room",
  async () => {
    await using world = await World.make();
    await world.startHost("--durable-max-size=1MiB");
    await using runtime = await world.connect();
    const headers = { pad: "x".repeat(8_000) };
    const publish = async (n: number): Promise<string> =>
      await runtime.publishMessage(Order.of({ n }), ORDERS, { headers }).then(
        () => "stored",
        (error: { code: string }) => error.code,
      );
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== "STORE_FULL" && outcomes.length < 500) {
      outcomes.push(await publish(outcomes.length));
    }
    expect(outcomes.at(-1)).toBe("STORE_FULL");
    await runtime.publishMessage(Order.of({ n: 0 }), new TopicId("plain", "one"));
    await world.host?.[Symbol.asyncDispose]();
    await world.startHost("--durable-max-size=16MiB");
    expect(await publish(-1)).toBe("stored");
    const host = world.host?.logs.map(({ message }) => message);
    expect(host).toContain("host ready");
  },
  2 * TIMEOUT_MS,
);
