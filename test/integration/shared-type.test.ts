import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineMessage } from "../../src/core/message-type.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(90_000);

const KEYS = 12;
const Tick = defineMessage("Tick", (value) => value as { n: number });

/** Says for each tick which one it is, and how many its instance has had. */
const COUNTER = `
import { defineAgent, defineMessage } from "agentrt";

const Tick = defineMessage("Tick", (value) => Object(value) as { n: number });

export const counter = defineAgent({
  type: "counter",
  description: "Counts",
  subscriptions: ["ticks"],
  setup(agent) {
    let count = 0;
    agent.handleEvent(Tick, ({ n }) => {
      count += 1;
      console.log(agent.id.key, n, count);
    });
    return { saveState: () => count, loadState: (state) => { count = Number(state); } };
  },
});
`;

test("shared by the host's settings - workers come and stop under load, and no message, state or order is lost", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-shared-"));
  const workers: AgentrtProcess[] = [];
  try {
    const file = join(folder, "counter.ts");
    await writeFile(file, COUNTER);
    const quiet = ["--data", "none"];
    await using host = startAgentrt([
      ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", ...quiet],
      ...["--agent-policy", "counter=shared"],
    ]);
    const hostAddress = String((await host.waitForLog("host ready")).properties["listen"]);
    const startWorker = async (): Promise<AgentrtProcess> => {
      const dial = ["--host-address", hostAddress, ...quiet];
      const worker = startAgentrt(["--role", "worker", "--agent", file, ...dial]);
      workers.push(worker);
      await worker.waitForLog("worker connected", 20_000);
      return worker;
    };
    await using publisher = new GrpcWorkerAgentRuntime({ hostAddress });
    await publisher.start();
    const lines = (): string[][] =>
      workers.flatMap(({ stdout }) =>
        stdout
          .split("\n")
          .slice(0, -1)
          .map((line) => line.split(" ")),
      );
    let rounds = 0;
    const publish = async (more: number): Promise<void> => {
      for (const until = rounds + more; rounds < until; ) {
        rounds += 1;
        for (let key = 0; key < KEYS; key += 1) {
          await publisher.publishMessage(Tick.of({ n: rounds }), new TopicId("ticks", `k${key}`));
        }
      }
    };
    /** Publishes until something is done that happens meanwhile. */
    const publishDuring = async <T>(work: Promise<T>): Promise<T> => {
      let isDone = false;
      const done = work.finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await publish(1);
        await new Promise((later) => setTimeout(later, 5));
      }
      return await done;
    };

    const first = await startWorker();
    await publish(20);
    const second = await publishDuring(startWorker());
    await publish(20);
    await publishDuring(startWorker());
    await publish(20);
    expect(await publishDuring(first.stop())).toBe(0);
    await publish(20);
    expect(await publishDuring(second.stop())).toBe(0);
    await publish(20);
    await waitFor(() => lines().length >= rounds * KEYS, {
      what: "every tick to be handled",
      timeoutMs: 30_000,
    });

    const wanted = Array.from({ length: rounds }, (_, index) => `${index + 1} ${index + 1}`);
    for (let key = 0; key < KEYS; key += 1) {
      const handled = lines()
        .filter(([name]) => name === `k${key}`)
        .map(([, n, count]) => `${n} ${count}`);
      expect(handled.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))).toEqual(
        wanted,
      );
    }
    expect(workers.every(({ stdout }) => stdout !== "")).toBe(true);
    expect(host.logs.filter(({ message }) => message.includes("without"))).toEqual([]);
  } finally {
    await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
    await rm(folder, { recursive: true, force: true });
  }
});
