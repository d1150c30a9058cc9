import { expect, test } from "bun:test";
import { AgentrtError } from "../../src/core/errors.ts";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { selectReport } from "../../src/host/host-info.ts";
import { HostInfoClient } from "../../src/wire/host-info/client.ts";
import { DEADLINE_MS, RawClient, startHost, WireWorker } from "./wire-worker.ts";

const LIMITS = { maxMessageBytes: 4 * 1024 ** 2 };

test("host info - the report comes over gRPC, and is the host's own", async () => {
  await using host = await startHost({ version: "1.2.3" });
  using worker = await WireWorker.join(host.address, "worker-one");
  await worker.client.registerAgent("sensor.kitchen", DEADLINE_MS);
  using client = new HostInfoClient(host.address, LIMITS);
  const { report, leftOut } = await client.getReport({}, DEADLINE_MS);
  expect(report).toMatchObject({ version: "1.2.3", state: "ready", listen: host.address });
  expect(report.workers.map(({ agentTypes }) => agentTypes)).toEqual([["sensor.kitchen"]]);
  expect(leftOut).toEqual({ workers: 0, subscriptions: 0, topics: 0 });
});

test("host info - filter and limit choose, and what is left out is counted", async () => {
  await using host = await startHost();
  using one = await WireWorker.join(host.address, "worker-one");
  using two = await WireWorker.join(host.address, "worker-two");
  await one.client.registerAgent("sensor", DEADLINE_MS);
  await two.client.registerAgent("switch", DEADLINE_MS);
  const report = host.report();
  const names = (query: { filter?: string; limit?: number }): readonly string[] =>
    selectReport(report, query).report.workers.map(({ clientId }) => clientId);
  expect(names({})).toEqual(["worker-one", "worker-two"]);
  expect(names({ filter: "switch" })).toEqual(["worker-two"]);
  expect(names({ limit: 1 })).toEqual(["worker-one"]);
  expect(selectReport(report, { limit: 1 }).leftOut.workers).toBe(1);
});

test("host info - the answer is cut until it fits into one message", async () => {
  await using host = await startHost({ maxMessageBytes: 8 * 1024 });
  using worker = await WireWorker.join(host.address, "worker-one");
  for (let n = 0; n < 40; n += 1) {
    const topicType = `topic-${n}-${"x".repeat(100)}`;
    await worker.client.addSubscription(new TypeSubscription(topicType, "sensor"), DEADLINE_MS);
  }
  using client = new HostInfoClient(host.address, { maxMessageBytes: 8 * 1024 });
  const { report, leftOut } = await client.getReport({}, DEADLINE_MS);
  expect(report.subscriptions.length).toBeGreaterThan(0);
  expect(report.subscriptions.length + leftOut.subscriptions).toBe(40);
  expect(leftOut.subscriptions).toBeGreaterThan(0);
});

test("host info - a host that is not there, and bytes that are no request", async () => {
  using nowhere = new HostInfoClient("127.0.0.1:1", LIMITS);
  const absent = await nowhere.getReport({}, DEADLINE_MS).catch(AgentrtError.from);
  expect((absent as AgentrtError).code).toBe("NOT_CONNECTED");
  await using host = await startHost();
  using raw = new RawClient(host.address);
  const { status } = await raw.call("/agentrt.v1.HostInfo/GetReport", new Uint8Array([0xff]));
  expect(status.metadata.get("agentrt-code")).toEqual(["BAD_FRAME"]);
});
