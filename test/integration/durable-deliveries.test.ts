/** What becomes of durable messages that are late, too old, or with a worker when the compiled host ends. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TopicId,
  TypeSubscription,
  type WorkerOptionsInput,
} from "agentrt";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

const Item = defineMessage("Item", (value) => value as { n: number });
const ORDERS = new TopicId("orders", "one");

class World implements AsyncDisposable {
  readonly #folder: string;
  readonly address: string;
  host: AgentrtProcess;

  private constructor(folder: string, address: string) {
    this.#folder = folder;
    this.address = address;
    this.host = this.#start();
  }

  static async make(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "agentrt-deliveries-"));
    const world = new World(folder, `127.0.0.1:${await freePort()}`);
    await world.host.waitForLog("host ready");
    return world;
  }

  /** After the old one has ended. */
  async restart(): Promise<void> {
    await this.host.exited;
    this.host = this.#start();
    await this.host.waitForLog("host ready");
  }

  async connect(options: WorkerOptionsInput = {}): Promise<GrpcWorkerAgentRuntime> {
    const runtime = new GrpcWorkerAgentRuntime({
      ...{ hostAddress: this.address, backoffMaxMs: 200 },
      ...options,
    });
    runtime.addMessageType(Item);
    await runtime.start();
    return runtime;
  }

  async run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runAgentrt([...args, `--host-address=${this.address}`]);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(): AgentrtProcess {
    return startAgentrt([
      ...["--role=host", `--listen=${this.address}`, "--http=off", "--durable-topics=orders"],
      `--data=${join(this.#folder, "host")}`,
    ]);
  }
}

/** Registers an agent type that is subscribed to the orders. */
async function receive(
  runtime: GrpcWorkerAgentRuntime,
  onItem: (n: number) => void | Promise<void>,
): Promise<void> {
  const agent = defineAgent({
    description: "handles orders",
    setup: (self) => self.handleEvent(Item, ({ n }) => onItem(n)),
  });
  await runtime.registerFactory("packer", agent);
  await runtime.addSubscription(new TypeSubscription("orders", "packer"));
}

test("durable deliveries - what is to be delivered later is so once, and not before, over a kill of the host", async () => {
  await using world = await World.make();
  await using worker = await world.connect();
  const seen: { readonly n: number; readonly atMs: number }[] = [];
  await receive(worker, (n) => void seen.push({ n, atMs: Date.now() }));
  const deliverAt = Date.now() + 2_000;
  await worker.publishMessage(Item.of({ n: 1 }), ORDERS, { deliverAt });
  await worker.publishMessage(Item.of({ n: 2 }), ORDERS);
  await waitFor(() => seen.length > 0, { what: "the one that is not late" });
  world.host.signal("SIGKILL");
  await world.restart();
  await waitFor(() => seen.some(({ n }) => n === 1), { what: "the late one" });
  await worker.publishMessage(Item.of({ n: 3 }), ORDERS);
  await waitFor(() => seen.some(({ n }) => n === 3), { what: "the last one" });
  expect(seen.filter(({ n }) => n === 1).length).toBe(1);
  expect(seen.find(({ n }) => n === 1)?.atMs).toBeGreaterThanOrEqual(deliverAt);
});

test("durable deliveries - what grew too old while its worker was away is dead, with the reason", async () => {
  await using world = await World.make();
  await world.run("topic", "set", "orders", "--durable", "--ttl", "1s");
  const seen: number[] = [];
  {
    await using worker = await world.connect();
    await receive(worker, (n) => void seen.push(n));
    await worker.publishMessage(Item.of({ n: 0 }), ORDERS);
    await waitFor(() => seen.length === 1, { what: "the subscription" });
  }
  await using publisher = await world.connect();
  const publishedAtMs = Date.now();
  await publisher.publishMessage(Item.of({ n: 1 }), ORDERS);
  await waitFor(() => Date.now() > publishedAtMs + 1_500, { what: "its time to be over" });
  await using worker = await world.connect();
  await receive(worker, (n) => void seen.push(n));
  await worker.publishMessage(Item.of({ n: 2 }), ORDERS);
  const dead = await waitFor(
    async () => {
      const found = JSON.parse(await world.run("dead", "list", "--json")) as { reason: string }[];
      return found.length > 0 && found;
    },
    { what: "the dead one" },
  );
  expect(dead).toMatchObject([{ reason: "EXPIRED" }]);
  await waitFor(() => seen.length === 2, { what: "the one that is young enough" });
  expect(seen).toEqual([0, 2]);
});

test("durable deliveries - a host that is asked to stop waits for what workers have, and does not give it again", async () => {
  await using world = await World.make();
  const begun: number[] = [];
  const gate = Promise.withResolvers<void>();
  const handle = async (n: number): Promise<void> => {
    begun.push(n);
    await gate.promise;
  };
  {
    await using worker = await world.connect();
    await receive(worker, handle);
    await worker.publishMessage(Item.of({ n: 1 }), ORDERS);
    await waitFor(() => begun.length === 1, { what: "the handler" });
    world.host.signal("SIGTERM");
    await world.host.waitForLog("stopping");
    gate.resolve();
    expect(await world.host.exited).toBe(0);
  }
  await world.restart();
  // Another one, which remembers nothing.
  await using worker = await world.connect();
  await receive(worker, handle);
  await worker.publishMessage(Item.of({ n: 2 }), ORDERS);
  await waitFor(() => begun.includes(2), { what: "what came after" });
  expect(begun).toEqual([1, 2]);
});

test("durable deliveries - workers in AutoGen's dialect publish and get them; what they published outlives a kill", async () => {
  await using world = await World.make();
  const seen: number[] = [];
  {
    await using worker = await world.connect();
    await receive(worker, (n) => void seen.push(n));
    await worker.publishMessage(Item.of({ n: 0 }), ORDERS);
    await waitFor(() => seen.length === 1, { what: "the subscription" });
  }
  await using autogen = await world.connect({ dialect: "autogen" });
  await autogen.publishMessage(Item.of({ n: 1 }), ORDERS);
  await waitFor(
    async () => (await world.run("sub", "orders", "--from", "2", "--count", "1")) !== "",
    {
      what: "the stored message",
    },
  );
  world.host.signal("SIGKILL");
  await world.restart();
  await receive(autogen, (n) => void seen.push(n));
  await waitFor(() => seen.length === 2, { what: "what was published before the kill" });
  await using publisher = await world.connect();
  await publisher.publishMessage(Item.of({ n: 2 }), ORDERS);
  await waitFor(() => seen.length === 3, { what: "the message in AutoGen's dialect" });
  expect(seen).toEqual([0, 1, 2]);
  expect(await world.run("dead", "list", "--json")).toBe("[]\n");
});
