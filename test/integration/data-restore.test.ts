/** What the compiled program copies of a running host's data folder, and what a host makes of the copy. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import { type AgentrtProcess, type ProcessOptions, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

const HOST = ["--role=host", "--listen=127.0.0.1:0", "--http=off"];
const ORDERS = new TopicId("orders", "one");
/** Of what is delivered later. */
const LATE = -1;
const Item = defineMessage("Item", (value) => value as { n: number });

interface Stored {
  readonly position: number;
  readonly id: string;
  readonly data: { readonly n: number };
}

const PAD = "x".repeat(8_000);

interface Compacted {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

interface Facts {
  readonly records: number;
  readonly isSound: boolean;
  readonly damaged: readonly unknown[];
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-data-restore-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A host, and the commands at it. */
class Host implements AsyncDisposable {
  readonly #process: AgentrtProcess;
  readonly address: string;

  private constructor(process: AgentrtProcess, address: string) {
    this.#process = process;
    this.address = address;
  }

  static async start(data: string): Promise<Host> {
    const process = startAgentrt([...HOST, `--data=${data}`]);
    const { properties } = await process.waitForLog("host ready");
    return new Host(process, String(properties["listen"]));
  }

  async json<T = unknown>(...args: readonly string[]): Promise<T> {
    const at = `--host-address=${this.address}`;
    const { code, stdout, stderr } = await runAgentrt([...args, "--json", at]);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as T;
  }

  async stored(topic: string, count: number): Promise<readonly Stored[]> {
    const args = ["sub", topic, "--from=1", `--count=${count}`, "--json"];
    const { stdout } = await runAgentrt([...args, `--host-address=${this.address}`]);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Stored);
  }

  async connect(): Promise<GrpcWorkerAgentRuntime> {
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress: this.address });
    runtime.addMessageType(Item);
    await runtime.start();
    return runtime;
  }

  async stop(): Promise<void> {
    expect(await this.#process.stop()).toBe(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

async function receive(
  runtime: GrpcWorkerAgentRuntime,
  onItem: (n: number) => void,
): Promise<void> {
  const agent = defineAgent({
    description: "handles orders",
    setup: (self) => self.handleEvent(Item, ({ n }) => onItem(n)),
  });
  await runtime.registerFactory("packer", agent);
  await runtime.addSubscription(new TypeSubscription("orders", "packer"));
}

/** How a program ended that may not have the folder. */
async function refusal(args: readonly string[], options: ProcessOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runAgentrt(args, options);
  expect([args.join(" "), code, stdout]).toEqual([args.join(" "), 1, ""]);
  return stderr;
}

test("data - a copy that is made while a host is busy is a data folder with messages, cursors and dead records as they were", async () => {
  await using first = await Host.start(join(folder, "host"));
  await first.json("topic", "set", "orders", "--durable", "--max-deliver=1");
  const schedule = ["yearly", "orders", '{"n": 0}', "--type=Item", "--cron=0 7 1 1 *"];
  await first.json("schedule", "set", ...schedule);
  {
    await using worker = await first.connect();
    const seen: number[] = [];
    await receive(worker, (n) => {
      seen.push(n);
      if (n === 3) {
        throw new Error("there is no box");
      }
    });
    for (let n = 0; n < 10; n += 1) {
      await worker.publishMessage(Item.of({ n }), ORDERS);
    }
    await waitFor(() => seen.length === 10, { what: "the first ten" });
    await waitFor(async () => (await first.json<unknown[]>("dead", "list")).length === 1, {
      what: "the dead one",
    });
  }
  const then = {
    dead: await first.json<{ id: number }[]>("dead", "list"),
    topics: await first.json("topic", "list"),
    schedules: await first.json("schedule", "list"),
  };
  // What the packer has not had, and more while the copy is made.
  await using publisher = await first.connect();
  await publisher.publishMessage(Item.of({ n: LATE }), ORDERS, { delayMs: 3_000 });
  let acknowledged = 9;
  let isStopped = false;
  const publish = async (): Promise<void> => {
    while (!isStopped) {
      await publisher.publishMessage(Item.of({ n: acknowledged + 1 }), ORDERS);
      acknowledged += 1;
    }
  };
  const publishing = publish();
  await waitFor(() => acknowledged > 50, { what: "messages that nobody had" });
  const before = acknowledged;
  const copy = await first.json<{ folder: string }>("data", "backup", "monday");
  isStopped = true;
  await publishing;
  // What happens afterwards is not in the copy.
  await first.json("dead", "drop", "all");
  await first.json("schedule", "remove", "yearly");
  const all = await first.stored("orders", (await first.json<Facts>("data", "check")).records);

  const restored = join(folder, "restored");
  cpSync(copy.folder, restored, { recursive: true });
  const check = await runAgentrt(["data", "check", "--json", "--data", restored]);
  const { records, ...facts } = JSON.parse(check.stdout) as Facts;
  expect([check.code, facts]).toMatchObject([0, { isSound: true, damaged: [] }]);
  // Numbers begin with 0, positions with 1.
  expect(records).toBeGreaterThan(before);
  expect(records).toBeLessThanOrEqual(all.length);

  await using second = await Host.start(restored);
  expect(await second.stored("orders", records)).toEqual(all.slice(0, records));
  expect({
    dead: await second.json("dead", "list"),
    topics: await second.json("topic", "list"),
    schedules: await second.json("schedule", "list"),
  }).toEqual(then);
  await using worker = await second.connect();
  const seen: number[] = [];
  await receive(worker, (n) => void seen.push(n));
  await worker.publishMessage(Item.of({ n: 1_000_000 }), ORDERS);
  await waitFor(() => seen.includes(1_000_000), { what: "what the packer had not had" });
  const notHad = all.slice(10, records).map(({ data }) => data.n);
  const inTime = [...notHad, 1_000_000].filter((n) => n !== LATE);
  expect(seen.filter((n) => n !== LATE)).toEqual(inTime);
  await waitFor(() => seen.includes(LATE), { what: "the late one" });
  await second.json("dead", "replay", "all");
  await waitFor(() => seen.includes(3), { what: "the one that was dead" });
  expect(await second.json("dead", "list")).toEqual([]);
  expect(seen.toSorted((a, b) => a - b)).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
});

test("data - compact gives back the room of what retention removed, and leaves the rest, with a host and without", async () => {
  const data = join(folder, "host");
  {
    await using host = await Host.start(data);
    await host.json("topic", "set", "orders", "--durable");
    await host.json("topic", "set", "kept", "--durable");
    await using publisher = await host.connect();
    for (let n = 1; n <= 40; n += 1) {
      await publisher.publishMessage(Item.of({ n }), ORDERS, { headers: { pad: PAD } });
    }
    await publisher.publishMessage(Item.of({ n: 41 }), new TopicId("kept", "one"));
    await host.json("topic", "set", "orders", "--durable", "--retention-count=1");
    const isApplied = async (): Promise<boolean> => (await host.stored("*", 1))[0]?.data.n === 40;
    await waitFor(isApplied, { what: "retention of the new declaration", timeoutMs: 20_000 });
    const size = await host.json<Compacted>("data", "compact");
    expect(size.bytesBefore).toBeGreaterThan(40 * PAD.length);
    expect(size.bytesAfter).toBeLessThan(20 * PAD.length);
    expect((await host.stored("*", 2)).map(({ data: { n } }) => n)).toEqual([40, 41]);
    await publisher.publishMessage(Item.of({ n: 42 }), ORDERS);
    await host.stop();
  }
  const compact = await runAgentrt(["data", "compact", "--data", data]);
  expect([compact.code, compact.stderr]).toEqual([0, ""]);
  await using host = await Host.start(data);
  // What the new message pushed out goes when retention looks again.
  const isLeft = async (): Promise<boolean> => {
    const [first, second] = await host.stored("*", 2);
    return first?.data.n === 41 && second?.data.n === 42;
  };
  await waitFor(isLeft, { what: "41 and 42 alone", timeoutMs: 20_000 });
});

test("data - the folder of a newer version is refused by host and commands, and left as it was", async () => {
  const data = join(folder, "host");
  {
    await using host = await Host.start(data);
    await host.json("topic", "set", "orders", "--durable");
    await host.stop();
  }
  const file = join(data, "log.sqlite");
  const database = new Database(file);
  database.run("PRAGMA user_version = 77");
  database.close();
  const before = readFileSync(file);
  const copy = join(folder, "copy");
  for (const args of [
    [...HOST, `--data=${data}`],
    ["data", "check", `--data=${data}`],
    ["data", "backup", copy, `--data=${data}`],
    ["data", "compact", `--data=${data}`],
  ]) {
    expect(await refusal(args)).toMatch(/format 77, this one knows \d+.*STORE_NEWER/);
  }
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(existsSync(copy)).toBe(false);
});

test("data - the folder of a running host is refused by its lock to hosts and commands, and free after kill -9", async () => {
  const data = join(folder, "host");
  await using own = startAgentrt([...HOST, `--data=${data}`]);
  await own.waitForLog("host ready");
  const copy = join(folder, "copy");
  for (const args of [
    [...HOST, `--data=${data}`],
    ["data", "check", `--data=${data}`],
    ["data", "backup", copy, `--data=${data}`],
    ["data", "compact", `--data=${data}`],
  ]) {
    expect(await refusal(args)).toContain("STORE_LOCKED");
  }
  expect(own.isRunning).toBe(true);
  expect(existsSync(copy)).toBe(false);
  await own.kill();
  const check = await runAgentrt(["data", "check", `--data=${data}`]);
  expect([check.code, check.stderr]).toEqual([0, ""]);
});

test("data - a second host in the folder that nobody named starts without durable topics, and says so", async () => {
  const home = { env: { XDG_STATE_HOME: folder } };
  await using first = startAgentrt(HOST, home);
  await first.waitForLog("host ready");
  await using second = startAgentrt(HOST, home);
  await second.waitForLog("host ready");
  expect(second.stderr).toContain("STORE_LOCKED");
  expect(first.logs.filter(({ level }) => level !== "INFO")).toEqual([]);
  expect(await refusal([...HOST, "--durable-topics=orders"], home)).toContain("STORE_LOCKED");
  expect(await refusal([...HOST, "--full-queue=orders=spill"], home)).toContain("STORE_LOCKED");
});
