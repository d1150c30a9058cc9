/** A subscriber that is stopped for a while under a flood: what it gets afterwards, by what its topic declares. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DeadLetter,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  TopicId,
  TypeSubscription,
} from "agentrt";
import type { HostReport } from "../../src/core/host-report.ts";
import { type AgentrtProcess, startAgentrt, startProcess } from "../kit/process.ts";
import { runAgentrt } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

const MESSAGES = 40_000;
const CHUNK = 500;
const SENSORS = 8;
const PADDING = "x".repeat(200);
const Reading = defineMessage(
  "Reading",
  (value) => value as { sensor: string; n: number; padding: string },
);

/** A host, a worker that the test stops, and a publisher. */
async function stage(topics: readonly string[], ...settings: readonly string[]) {
  await using stack = new AsyncDisposableStack();
  const host = stack.use(
    startAgentrt([
      ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
      ...(settings.includes("--data") ? [] : ["--data", "none"]),
      ...["--outbox-max-messages", "1000", "--slow-worker-timeout", "1h", ...settings],
    ]),
  );
  const ready = await host.waitForLog("host ready");
  const hostAddress = String(ready.properties["listen"]);
  const stopping = stack.use(
    startProcess([
      ...[process.execPath, `${import.meta.dir}/fixtures/stopping-worker.ts`],
      ...[hostAddress, ...topics],
    ]),
  );
  await stopping.waitForStdout("ready");
  const publisher = stack.use(new GrpcWorkerAgentRuntime({ hostAddress }));
  await publisher.connect();
  const report = async (): Promise<HostReport> =>
    (await (await fetch(`${ready.properties["http"]}/api/status`)).json()) as HostReport;
  const publish = async (topic: string, n: number): Promise<void> => {
    const sensor = String(n % SENSORS);
    const reading = Reading.of({ sensor, n, padding: PADDING });
    await publisher.publishMessage(reading, new TopicId(topic, sensor));
  };
  const owned = stack.move();
  return {
    ...{ host, hostAddress, stopping, report, publish },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Numbers that the worker has said so far, by sensor. */
function gotBy(worker: AgentrtProcess): Map<string, number[]> {
  const got = new Map<string, number[]>();
  for (const [, sensor = "", n] of worker.stdout.matchAll(/^got (\d+) (\d+)$/gm)) {
    const numbers = got.get(sensor) ?? [];
    numbers.push(Number(n));
    got.set(sensor, numbers);
  }
  return got;
}

/** Reasons that the worker has said for readings that it let go. */
function lostBy(worker: AgentrtProcess): string[] {
  return [...worker.stdout.matchAll(/^lost (\w+)$/gm)].map(([, reason = ""]) => reason);
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

for (const [policy, reason] of [
  ["keep-latest", "SUPERSEDED"],
  ["drop-oldest", "DROPPED_OLDEST"],
] as const) {
  test(`faults - ${policy}: a stopped subscriber gets the newest when it goes on, the others all, the host stays small`, async () => {
    await using world = await stage(["readings"], "--full-queue", `readings=${policy}`);
    const { host, hostAddress, stopping, report, publish } = world;
    const seen: number[] = [];
    const lost: DeadLetter[] = [];
    await using healthy = new GrpcWorkerAgentRuntime({
      hostAddress,
      onDeadLetter: (letter) => lost.push(letter),
    });
    await healthy.connect();
    await healthy.registerFactory(
      "healthy",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleEvent(Reading, ({ n }) => {
            seen.push(n);
          });
        },
      }),
    );
    await healthy.addSubscription(new TypeSubscription("readings", "healthy"));

    process.kill(stopping.pid, "SIGSTOP");
    const before = await residentBytes(host.pid);
    // Nobody slows the publisher down, so it goes no faster than a healthy worker reads.
    for (let n = 0; n < MESSAGES; n += CHUNK) {
      for (let next = n; next < n + CHUNK; next += 1) {
        await publish("readings", next);
      }
      // A few have made way while its instances were made.
      await waitFor(() => seen.length + lost.length === n + CHUNK, {
        ...{ what: "every reading at the healthy worker", timeoutMs: 60_000, intervalMs: 1 },
      });
    }
    expect((await residentBytes(host.pid)) - before).toBeLessThan(100 * 1_024 * 1_024);
    const { topics, deadLetters, totals } = await report();
    const dropped = topics[0]?.dropped ?? 0;
    expect(topics).toMatchObject([{ topicType: "readings", fullQueue: policy }]);
    expect(dropped).toBeGreaterThan(MESSAGES / 2);
    expect(deadLetters.byReason).toEqual({ [reason]: dropped });
    expect(totals.shed).toBe(dropped);

    process.kill(stopping.pid, "SIGCONT");
    expect(new Set(lost.map((letter) => letter.reason))).toEqual(
      new Set(lost.length === 0 ? [] : [reason]),
    );
    expect(lost.length).toBeLessThan(CHUNK);
    const count = (): number =>
      [...gotBy(stopping).values()].flat().length + lostBy(stopping).length;
    await waitFor(() => count() === MESSAGES - dropped, {
      ...{ what: "what was not dropped at the worker that goes on", timeoutMs: 60_000 },
    });
    expect(lostBy(stopping).filter((said) => said !== reason)).toEqual([]);
    const got = gotBy(stopping);
    for (let sensor = 0; sensor < SENSORS; sensor += 1) {
      const numbers = got.get(String(sensor)) ?? [];
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(numbers.at(-1)).toBe(MESSAGES - SENSORS + sensor);
    }
    expect((await report()).topics[0]?.dropped).toBe(dropped);
  }, 120_000);
}

for (const [policy, reason, kept] of [
  ["keep-latest", "SUPERSEDED", 1],
  ["drop-oldest", "DROPPED_OLDEST", 100],
] as const) {
  test(`faults - ${policy}: an agent that was busy gets the newest next, and not what came meanwhile`, async () => {
    await using world = await stage([], "--full-queue", `readings=${policy}`);
    const { hostAddress, report, publish } = world;
    const seen: number[] = [];
    const lost: string[] = [];
    const gate = Promise.withResolvers<void>();
    await using busy = new GrpcWorkerAgentRuntime({
      ...{ hostAddress, mailboxMaxMessages: 100 },
      onDeadLetter: (letter) => lost.push(letter.reason),
    });
    await busy.connect();
    await busy.registerFactory(
      "busy",
      defineAgent({
        description: "",
        setup(agent) {
          agent.handleEvent(Reading, async ({ n }) => {
            seen.push(n);
            await gate.promise;
          });
        },
      }),
    );
    await busy.addSubscription(new TypeSubscription("readings", "busy"));
    await publish("readings", 0);
    await waitFor(() => seen.length === 1, { what: "a busy agent" });
    let published = 1;
    for (let n = SENSORS; n <= 4_000; n += SENSORS, published += 1) {
      await publish("readings", n);
    }
    await waitFor(async () => busy.counts.eventsIn + (await report()).totals.shed === published, {
      what: "all at the worker, or dropped by the host",
    });
    gate.resolve();
    await waitFor(() => seen.length === 1 + kept, { what: "the newest" });
    const newest = Array.from({ length: kept }, (_, index) => 4_000 - SENSORS * index).toReversed();
    expect(seen).toEqual([0, ...newest]);
    expect(new Set(lost)).toEqual(new Set([reason]));
    expect(lost.length + (await report()).totals.shed + seen.length).toBe(published);
  }, 120_000);
}

test("faults - block: publishers wait for a stopped subscriber, and nothing is lost when it goes on", async () => {
  await using world = await stage(["orders"], "--publisher-hold", "1m");
  const { host, stopping, report, publish } = world;
  process.kill(stopping.pid, "SIGSTOP");
  const before = await residentBytes(host.pid);
  let published = 0;
  const publishing = (async () => {
    for (; published < MESSAGES; published += 1) {
      await publish("orders", published);
    }
  })();
  let last = -1;
  await waitFor(
    () => {
      const isStill = last === published && published > 0;
      last = published;
      return isStill;
    },
    { what: "a publisher that waits", timeoutMs: 60_000, intervalMs: 500 },
  );
  expect(published).toBeLessThan(MESSAGES);
  expect((await residentBytes(host.pid)) - before).toBeLessThan(100 * 1_024 * 1_024);
  process.kill(stopping.pid, "SIGCONT");
  await publishing;
  await waitFor(() => [...gotBy(stopping).values()].flat().length === MESSAGES, {
    ...{ what: "every order", timeoutMs: 60_000 },
  });
  const { totals, topics } = await report();
  expect([totals.shed, topics[0]?.fullQueue, topics[0]?.dropped]).toEqual([0, "block", 0]);
}, 120_000);

test("faults - spill: publishers do not wait for a stopped subscriber, which gets everything when it goes on", async () => {
  const data = await mkdtemp(join(tmpdir(), "agentrt-spill-"));
  await using _folder = { [Symbol.asyncDispose]: () => rm(data, { recursive: true }) };
  await using world = await stage(["orders"], "--full-queue", "orders=spill", "--data", data);
  const { stopping, report, publish } = world;
  process.kill(stopping.pid, "SIGSTOP");
  for (let n = 0; n < 20_000; n += CHUNK) {
    await Promise.all(Array.from({ length: CHUNK }, (_, index) => publish("orders", n + index)));
  }
  process.kill(stopping.pid, "SIGCONT");
  await waitFor(() => [...gotBy(stopping).values()].flat().length >= 20_000, {
    ...{ what: "every order", timeoutMs: 60_000 },
  });
  const got = gotBy(stopping);
  for (let sensor = 0; sensor < SENSORS; sensor += 1) {
    const sent = Array.from({ length: 20_000 / SENSORS }, (_, index) => index * SENSORS + sensor);
    expect([...new Set(got.get(String(sensor)))]).toEqual(sent);
  }
  expect((await report()).totals.shed).toBe(0);
}, 120_000);

test("faults - spill: a host that keeps no data refuses to start", async () => {
  const host = await runAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "off", "--data", "none"],
    ...["--full-queue", "orders=spill"],
  ]);
  expect(host.code).not.toBe(0);
  expect(host.stderr).toContain("DURABLE_NEEDS_DATA");
});
