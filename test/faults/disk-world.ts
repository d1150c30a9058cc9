import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AgentId,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import { FaultyDisk } from "../kit/disk-faults.ts";
import { type AgentrtProcess, agentrtBinary, startProcess } from "../kit/process.ts";

const Item = defineMessage("Item", (value) => value as { n: number });
const Ask = defineMessage("Ask", () => ({}));
const Told = defineMessage("Told", () => ({}));

const DURABLE = new TopicId("orders", "one");
const PLAIN = new TopicId("plain", "one");

/** A host of the compiled program whose data folder is on a disk that can be made to fail. */
export class DiskWorld implements AsyncDisposable {
  readonly data: string;
  readonly faults: FaultyDisk;
  readonly host: AgentrtProcess;
  readonly #folder: string;

  /** @param mount arguments of mount(8) for the data folder, seen by the host alone; undefined: the test's own disk */
  constructor(mount: readonly string[] | undefined, args: readonly string[] = []) {
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), "agentrt-disk-")));
    this.data = join(this.#folder, "data");
    mkdirSync(this.data);
    this.faults = new FaultyDisk(this.data, this.#folder);
    const program = [
      ...[agentrtBinary(), "--role=host", "--listen=127.0.0.1:0", "--http=off"],
      ...[`--data=${this.data}`, "--durable-topics=orders", ...args],
    ];
    this.host = startProcess(
      mount === undefined ? program : mounted([...mount, this.data], program),
      { env: { AGENTRT_LOG_FORMAT: "json", ...this.faults.env } },
    );
  }

  /** The data folder as the host sees it. */
  get inside(): string {
    return join(`/proc/${this.host.pid}/root`, this.data);
  }

  async address(): Promise<string> {
    const { properties } = await this.host.waitForLog("host ready");
    return String(properties["listen"]);
  }

  async connect(): Promise<GrpcWorkerAgentRuntime> {
    const runtime = new GrpcWorkerAgentRuntime({ hostAddress: await this.address() });
    runtime.addMessageType(Item);
    runtime.addMessageType(Told);
    await runtime.start();
    return runtime;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A command whose mounts nobody else sees, and that end with it. */
function mounted(mount: readonly string[], command: readonly string[]): readonly string[] {
  const own = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const script = `n="$1"; shift; mount "\${@:1:n}" && exec "\${@:n+1}"`;
  return [
    ...["unshare", "--mount", ...own, "bash", "-c", script, "bash"],
    ...[String(mount.length), ...mount, ...command],
  ];
}

/** An agent type with both topics, and how often it has had each number. */
export class Receiver {
  readonly durable: number[] = [];
  readonly plain: number[] = [];

  static async on(runtime: GrpcWorkerAgentRuntime): Promise<Receiver> {
    const receiver = new Receiver();
    const agent = defineAgent({
      description: "notes what it gets",
      setup(self) {
        self.handleEvent(Item, ({ n }, { topicId }) => {
          (topicId?.type === "orders" ? receiver.durable : receiver.plain).push(n);
        });
        self.handleRpc(Ask, () => Told.of({}));
      },
    });
    await runtime.registerFactory("receiver", agent);
    for (const topic of [DURABLE, PLAIN]) {
      await runtime.addSubscription(new TypeSubscription(topic.type, "receiver"));
    }
    return receiver;
  }
}

const PAD = { pad: "x".repeat(4_000) };

/** "stored", or the code of what it ended with. */
export async function publishDurable(runtime: GrpcWorkerAgentRuntime, n: number): Promise<string> {
  return await runtime.publishMessage(Item.of({ n }), DURABLE, { headers: PAD }).then(
    () => "stored",
    (error: { code: string }) => error.code,
  );
}

export async function publishPlain(runtime: GrpcWorkerAgentRuntime, n: number): Promise<void> {
  await runtime.publishMessage(Item.of({ n }), PLAIN);
}

export async function call(runtime: GrpcWorkerAgentRuntime): Promise<void> {
  await runtime.sendMessage(Ask.of({}), new AgentId("receiver", "one"));
}
