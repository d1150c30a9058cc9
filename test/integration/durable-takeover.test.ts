/** Workers of one agent type on a durable topic: one is killed in the midst, and another takes over. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineMessage, GrpcWorkerAgentRuntime, TopicId } from "agentrt";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(90_000);

const KEYS = 24;
const Tick = defineMessage("Tick", (value) => value as { n: number });

/** Says what it handles when it has handled it. */
const HANDLER = `
import { defineAgent, defineMessage } from "agentrt";

const Tick = defineMessage("Tick", (value) => Object(value) as { n: number });

export const handler = defineAgent({
  type: "handler",
  description: "Handles ticks",
  subscriptions: ["ticks"],
  setup: (agent) => {
    agent.handleEvent(Tick, async ({ n }) => {
      await new Promise((later) => setTimeout(later, 1));
      console.log(agent.id.key, n);
    });
  },
});
`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agentrt-takeover-"));
  writeFileSync(join(folder, "handler.ts"), HANDLER);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function startWorker(hostAddress: string): AgentrtProcess {
  const dial = ["--host-address", hostAddress, "--data", "none"];
  return startAgentrt(["--role=worker", "--agent", join(folder, "handler.ts"), ...dial]);
}

/** What a worker has handled of each key, in its order. */
function handledBy(worker: AgentrtProcess): ReadonlyMap<string, readonly number[]> {
  const handled = new Map<string, number[]>();
  // The last line of one that was killed may be cut.
  for (const line of worker.stdout.split("\n").slice(0, -1)) {
    const [key = "", n] = line.split(" ");
    handled.set(key, [...(handled.get(key) ?? []), Number(n)]);
  }
  return handled;
}

function countOf(worker: AgentrtProcess): number {
  return worker.stdout.split("\n").length - 1;
}

/** One publisher for each key, one message after the other. */
class Publishers {
  /** How many of each key were acknowledged: 1 to this. */
  readonly acknowledged = Array.from({ length: KEYS }, () => 0);
  readonly #running: Promise<unknown>;
  #isStopped = false;

  constructor(runtime: GrpcWorkerAgentRuntime) {
    this.#running = Promise.all(this.acknowledged.map((_, key) => this.#run(runtime, key)));
  }

  get total(): number {
    return this.acknowledged.reduce((sum, count) => sum + count);
  }

  async more(count: number): Promise<void> {
    const until = this.total + count;
    await waitFor(() => this.total >= until, { what: "more acknowledged messages" });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(runtime: GrpcWorkerAgentRuntime, key: number): Promise<void> {
    for (let n = 1; !this.#isStopped; n += 1) {
      await runtime.publishMessage(Tick.of({ n }), new TopicId("ticks", `k${key}`));
      this.acknowledged[key] = n;
    }
  }
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((n, index) => index === 0 || n > (numbers[index - 1] ?? 0));
}

describe.each(["shared", "standby", "exclusive"])("durable takeover - a %s type", (policy) => {
  test.each(["killed", "stopped"])(
    "loses nothing when a worker is %s in the midst, and keeps the order of each key",
    async (how) => {
      await using host = startAgentrt([
        ...["--role=host", "--listen=127.0.0.1:0", "--http=off", "--durable-topics=ticks"],
        ...[`--data=${join(folder, "host")}`, `--agent-policy=handler=${policy}`],
      ]);
      const hostAddress = String((await host.waitForLog("host ready")).properties["listen"]);
      await using victim = startWorker(hostAddress);
      await victim.waitForLog("worker connected");
      await using heir = startWorker(hostAddress);
      // Of an exclusive type it is refused, and asks again and again.
      await heir.waitForLog(
        policy === "exclusive"
          ? ({ message }) => message.includes("is held by another worker")
          : "worker connected",
      );
      await using runtime = new GrpcWorkerAgentRuntime({ hostAddress });
      await runtime.start();
      const publishers = new Publishers(runtime);
      await waitFor(() => countOf(victim) > 300, { what: "the first worker to be busy" });
      if (policy === "shared") {
        await waitFor(() => countOf(heir) > 0, { what: "the second one to have its share" });
      } else {
        expect(heir.stdout).toBe("");
      }
      if (how === "killed") {
        await victim.kill();
      } else {
        expect(await victim.stop()).toBe(0);
      }
      const atDeath = [...publishers.acknowledged];
      await publishers.more(300);
      await publishers.stop();

      const missing = (): string[] => {
        const [before, after] = [handledBy(victim), handledBy(heir)];
        return publishers.acknowledged.flatMap((count, key) => {
          const had = new Set([...(before.get(`k${key}`) ?? []), ...(after.get(`k${key}`) ?? [])]);
          const all = Array.from({ length: count }, (_, index) => index + 1);
          return all.filter((n) => !had.has(n)).map((n) => `k${key} ${n}`);
        });
      };
      await waitFor(() => missing().length === 0, { what: "every one to be handled" });
      for (const worker of [victim, heir]) {
        for (const [key, numbers] of handledBy(worker)) {
          expect([key, isRising(numbers), numbers]).toEqual([key, true, numbers]);
        }
      }
      // What was handled twice was with the victim when it died.
      const twice = [...handledBy(victim)].flatMap(([key, numbers]) =>
        (handledBy(heir).get(key) ?? [])
          .filter((n) => numbers.includes(n))
          .map((n) => [key, n] as const),
      );
      if (how === "stopped") {
        expect(twice).toEqual([]);
      }
      for (const [key, n] of twice) {
        expect(n).toBeLessThanOrEqual((atDeath[Number(key.slice(1))] ?? 0) + 1);
      }
      const dead = await runAgentrt(["dead", "list", "--json", "--host-address", hostAddress]);
      expect(dead.stdout).toBe("[]\n");
    },
  );
});
