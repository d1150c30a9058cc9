/** AutoGen's Python worker at durable topics of the compiled host. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { note } from "./contract/publish.ts";
import { type Described, Peer, type Received } from "./peer.ts";
import { SETUP_TIMEOUT_MS } from "./stage.ts";

setDefaultTimeout(SETUP_TIMEOUT_MS);

class World implements AsyncDisposable {
  readonly address: string;
  readonly #folder: string;
  #host: AgentrtProcess;

  private constructor(folder: string, address: string) {
    this.#folder = folder;
    this.address = address;
    this.#host = this.#start();
  }

  static async make(): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "agentrt-python-durable-"));
    const world = new World(folder, `127.0.0.1:${await freePort()}`);
    await world.#host.waitForLog("host ready");
    return world;
  }

  async killAndRestart(): Promise<void> {
    await this.#host.kill();
    this.#host = this.#start();
    await this.#host.waitForLog("host ready");
  }

  /** What is stored, oldest first; waits until there are so many. */
  async stored(count: number): Promise<readonly Stored[]> {
    const args = ["sub", "orders", "--from=1", `--count=${count}`, "--json"];
    const { stdout } = await runAgentrt([...args, `--host-address=${this.address}`]);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Stored);
  }

  async dead(): Promise<unknown> {
    const args = ["dead", "list", "--json", `--host-address=${this.address}`];
    return JSON.parse((await runAgentrt(args)).stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(): AgentrtProcess {
    return startAgentrt([
      ...["--role=host", `--listen=${this.address}`, "--http=off", "--durable-topics=orders"],
      `--data=${join(this.#folder, "host")}`,
    ]);
  }
}

interface Stored {
  readonly id: string;
  readonly topic: string;
  readonly dataType: string;
  readonly data: unknown;
}

function messagesOf(received: readonly Received[]): readonly Described[] {
  return received.map(({ message }) => message);
}

test("durable topics - what a Python worker publishes is stored, outlives kill -9 of the host, and comes to a subscriber that was away", async () => {
  await using world = await World.make();
  await using python = await Peer.python(world.address);
  {
    await using subscriber = await Peer.typescript(world.address);
    await subscriber.register("packer", "recorder", ["orders"]);
  }
  const texts = ["first", "zweite ä", "第三 🏠"];
  for (const [number, text] of texts.entries()) {
    await python.publish("orders/one", note(text, number), { messageId: `id-${number}` });
  }
  const stored = texts.map((text, number) => ({
    ...{ id: `id-${number}`, topic: "orders/one", dataType: "Note", data: note(text, number).data },
  }));
  expect(await world.stored(texts.length)).toMatchObject(stored);
  await world.killAndRestart();
  expect(await world.stored(texts.length)).toMatchObject(stored);
  await using subscriber = await Peer.typescript(world.address);
  await subscriber.register("packer", "recorder", ["orders"]);
  const received = await subscriber.waitForReceived("packer", texts.length);
  expect(received).toMatchObject(
    texts.map((text, number) => ({
      ...{ agent: "packer/one", topic: "orders/one", messageId: `id-${number}` },
      message: note(text, number),
    })),
  );
});

test("durable topics - a Python subscriber gets what came while it was away, and what its connection has been given is delivered, whatever becomes of it", async () => {
  await using world = await World.make();
  await using publisher = await Peer.typescript(world.address);
  const publish = async (text: string): Promise<void> =>
    await publisher.publish("orders/one", note(text));
  {
    await using python = await Peer.python(world.address);
    await python.register("packer", "failing", ["orders"]);
    await publish("first");
    // Its handler throws, which AutoGen's protocol has no word for.
    expect(messagesOf(await python.waitForReceived("packer", 1))).toEqual([note("first")]);
  }
  await publish("second");
  await publish("third");
  await using python = await Peer.python(world.address);
  await python.register("packer", "failing", ["orders"]);
  await python.waitForReceived("packer", 2);
  await publish("last");
  const received = await python.waitForReceived("packer", 3);
  expect(messagesOf(received)).toEqual([note("second"), note("third"), note("last")]);
  expect(await world.dead()).toEqual([]);
});

test("durable topics - of a Python subscriber that is frozen and killed, only what its connection had taken is gone", async () => {
  await using world = await World.make();
  await using publisher = await Peer.typescript(world.address);
  const count = 600;
  const pad = "x".repeat(20_000);
  {
    await using frozen = await Peer.python(world.address);
    await frozen.register("packer", "recorder", ["orders"]);
    process.kill(frozen.pid, "SIGSTOP");
    for (let n = 0; n < count; n += 1) {
      await publisher.publish("orders/one", note(pad, n));
    }
  }
  await using python = await Peer.python(world.address);
  await python.register("packer", "recorder", ["orders"]);
  await python.waitForMessage("packer", "the last one", ({ data }) => numberOf(data) === count - 1);
  const numbers = messagesOf(python.receivedBy("packer")).map(({ data }) => numberOf(data));
  const first = numbers[0] ?? count;
  expect(numbers).toEqual(Array.from({ length: count - first }, (_, index) => first + index));
  // gRPC gives a connection of Python's a window of 4 MiB, which is 210 of them.
  expect(first).toBeLessThan(400);
});

function numberOf(data: unknown): number {
  return (data as { readonly number: number }).number;
}
