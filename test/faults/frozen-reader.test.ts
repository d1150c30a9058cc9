import { expect, test } from "bun:test";
import {
  defineMessage,
  GrpcWorkerAgentRuntime,
  RoutedAgent,
  TopicId,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import type { HostReport } from "../../src/core/host-report.ts";
import { startAgentrt, startProcess } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

const MESSAGES = 20_000;
const Blob = defineMessage("Blob", v.object({ number: v.number(), text: v.string() }));

class Counter extends RoutedAgent {
  readonly seen: number[] = [];

  constructor() {
    super("counts what it gets");
    this.handle(Blob, (blob) => {
      this.seen.push(blob.number);
    });
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

test("faults - a worker that never reads slows nobody and does not swell the host", async () => {
  await using host = startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", "none"],
    ...["--outbox-max-messages", "1000", "--outbox-max-size", "4MiB"],
    ...["--slow-worker-timeout", "1h"],
  ]);
  const ready = await host.waitForLog("host ready");
  const hostAddress = String(ready.properties["listen"]);
  const report = async (): Promise<HostReport> =>
    (await (await fetch(`${ready.properties["http"]}/api/status`)).json()) as HostReport;

  await using frozen = startProcess(
    [process.execPath, `${import.meta.dir}/fixtures/frozen-worker.ts`, hostAddress],
    { env: { AGENTRT_LOG_FORMAT: "json" } },
  );
  await frozen.waitForStdout("frozen");

  const counter = new Counter();
  await using healthy = new GrpcWorkerAgentRuntime({ hostAddress });
  await healthy.connect();
  await healthy.registerFactory("counter", () => counter);
  await healthy.addSubscription(new TypeSubscription("blobs", "counter"));
  await using publisher = new GrpcWorkerAgentRuntime({ hostAddress });
  await publisher.connect();

  const before = await residentBytes(host.pid);
  const text = "x".repeat(1_000);
  for (let number = 0; number < MESSAGES; number += 1) {
    await publisher.publishMessage(Blob.of({ number, text }), new TopicId("blobs", "one"));
  }
  await waitFor(() => counter.seen.length === MESSAGES, {
    what: "every message at the healthy worker",
    timeoutMs: 60_000,
  });
  const after = await residentBytes(host.pid);

  expect(counter.seen).toEqual(Array.from({ length: MESSAGES }, (_, number) => number));
  expect(after - before).toBeLessThan(100 * 1_024 * 1_024);
  const { workers, totals, deadLetters } = await report();
  const slow = workers.find((worker) => worker.agentTypes.includes("frozen"));
  expect(slow?.queuedMessages).toBeLessThanOrEqual(1_000);
  expect(slow?.shed).toBeGreaterThan(MESSAGES / 2);
  expect(totals.shed).toBe(slow?.shed ?? -1);
  expect(deadLetters.byReason.QUEUE_FULL).toBe(totals.shed);
}, 120_000);
