/** A worker in another process that never reads: memory stays bounded, the others notice nothing. */
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { GrpcWorkerAgentRuntimeHost } from "../../src/host/host.ts";
import { type AgentrtProcess, startProcess } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";
import { event, exact, request } from "./in-memory-host.ts";
import { DEADLINE_MS, startHost, WireWorker } from "./wire-worker.ts";

const SCRIPT = join(import.meta.dir, "fixtures/deaf-worker.ts");
const MIB = 1024 * 1024;
const MESSAGE = "x".repeat(64 * 1024);
/** 160 MiB in all: far more than the limits below hold. */
const MESSAGES = 2_560;
const LIMITS = { outboxMaxMessages: 200, outboxMaxBytes: 8 * MIB } as const;
/** The outbox, what gRPC and HTTP/2 hold below it, and what a collector has not collected yet. */
const MAX_GROWTH = 90 * MIB;

const stack: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of stack.splice(0).toReversed()) {
    await one[Symbol.asyncDispose]();
  }
});

interface Scene {
  readonly host: GrpcWorkerAgentRuntimeHost;
  readonly deaf: AgentrtProcess;
  readonly quick: WireWorker;
}

async function scene(how: string, options: Parameters<typeof startHost>[0] = {}): Promise<Scene> {
  const host = await startHost({ ...LIMITS, ...options });
  const quick = await WireWorker.join(host.address, "quick");
  await quick.client.registerAgent("quick", DEADLINE_MS);
  await quick.client.addSubscription(exact("topic", "quick"), DEADLINE_MS);
  const deaf = startProcess([process.execPath, "run", SCRIPT, host.address, "deaf", "topic", how]);
  stack.push(host, { [Symbol.asyncDispose]: async () => quick[Symbol.dispose]() }, deaf);
  await deaf.waitForStdout("ready");
  return { host, deaf, quick };
}

/** Publishes, no faster than the quick worker reads, and checks that it misses nothing. */
async function publish(quick: WireWorker, count: number): Promise<void> {
  const { received } = quick.channel;
  received.length = 0;
  for (let number = 0; number < count; number += 1) {
    quick.send(event(String(number), "topic", {}, MESSAGE));
    if (number % 20 === 19) {
      await waitFor(() => received.length > number, {
        what: `message ${number}, of which ${received.length} came`,
        intervalMs: 1,
      });
    }
  }
  await quick.channel.waitFor(count);
  expect(received.map(({ id }) => id)).toEqual(
    Array.from({ length: count }, (_, at) => String(at)),
  );
  received.length = 0;
}

/** By how much the process has grown when the step is done, in bytes. */
async function growthOf(step: () => Promise<void>): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  await step();
  Bun.gc(true);
  return process.memoryUsage.rss() - before;
}

const workers = (host: GrpcWorkerAgentRuntimeHost): string[] =>
  host.report().workers.map(({ clientId }) => clientId);

test.each(["stop", "ignore"])(
  "slow worker - one that does not read (%s) is shed, memory is bounded, others get all",
  async (how) => {
    const { host, deaf, quick } = await scene(how);
    await publish(quick, 50);
    expect(await growthOf(() => publish(quick, MESSAGES))).toBeLessThan(MAX_GROWTH);
    const report = host.report().workers.find(({ clientId }) => clientId === "deaf");
    expect(report?.queuedMessages).toBeLessThanOrEqual(LIMITS.outboxMaxMessages);
    expect(report?.queuedBytes).toBeLessThanOrEqual(LIMITS.outboxMaxBytes);
    expect(report?.shed).toBeGreaterThan(MESSAGES / 2);
    const { totals, deadLetters } = host.report();
    expect(totals.shed).toBe(report?.shed ?? 0);
    expect(deadLetters.byReason.QUEUE_FULL).toBe(totals.shed);
    quick.send(request("1", "deaf", MESSAGE));
    expect((await quick.channel.waitFor(1))[0]).toMatchObject({
      ...{ id: "1", headers: { "agentrt-code": "QUEUE_FULL" } },
    });
    await deaf.kill();
    await waitFor(() => workers(host).join() === "quick", { what: "the end of the killed worker" });
    await quick.client.registerAgent("deaf", DEADLINE_MS);
  },
  20_000,
);

test("slow worker - with the policy `disconnect` it is cut off at its first overflow", async () => {
  const { host, quick } = await scene("ignore", { slowWorkerPolicy: "disconnect" });
  const isCutOff = publish(quick, MESSAGES / 2);
  await waitFor(() => workers(host).join() === "quick", { what: "the slow worker to be cut off" });
  await isCutOff;
  expect(host.report().totals).toMatchObject({ workersExpelled: 1, shed: 1 });
  expect(host.report().errors[0]).toMatchObject({
    code: "SLOW_WORKER",
    message: "Worker deaf reads too slowly; its outbox is full.",
    where: "deaf",
  });
  await quick.client.registerAgent("deaf", DEADLINE_MS);
}, 20_000);

test("slow worker - one that reads nothing for the time-out is cut off, and its connection closed", async () => {
  const { host, deaf, quick } = await scene("ignore", { slowWorkerTimeoutMs: 100 });
  await publish(quick, 200);
  await waitFor(() => workers(host).join() === "quick", { what: "the slow worker to be cut off" });
  expect(host.report().errors[0]).toMatchObject({
    code: "SLOW_WORKER",
    message: expect.stringContaining("Worker deaf has read nothing for 100 ms while "),
  });
  await deaf.waitForStdout("closed");
}, 20_000);

test("slow worker - stream after stream that is never read does not swell the host", async () => {
  const { host, deaf, quick } = await scene("reopen");
  const publishUntilClosed = async (): Promise<void> => {
    while (!deaf.stdout.includes("closed")) {
      await publish(quick, 20);
    }
  };
  expect(await growthOf(publishUntilClosed)).toBeLessThan(2 * MAX_GROWTH);
  expect(host.report().totals.workersReplaced).toBeGreaterThan(5);
  expect(workers(host)).toEqual(["quick"]);
}, 20_000);
