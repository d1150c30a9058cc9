import { expect, test } from "bun:test";
import { AgentId, defineMessage, GrpcWorkerAgentRuntime } from "agentrt";
import * as v from "valibot";
import { rejectionOf } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeHost } from "./fake-host.ts";

const Ping = defineMessage("Ping", v.object({ n: v.number() }));

test("giving up - a host that has not declared that it understands is told nothing", async () => {
  await using host = await FakeHost.start();
  await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: host.address });
  await runtime.start();
  const gaveUp = new AbortController();
  const { signal } = gaveUp;
  const id = new AgentId("far", "a");
  const call = rejectionOf(runtime.sendMessage(Ping.of({ n: 1 }), id, { signal }));
  await waitFor(() => host.received.length === 1, { what: "the call" });
  gaveUp.abort();
  expect((await call).code).toBe("CANCELLED");
  const next = rejectionOf(runtime.sendMessage(Ping.of({ n: 2 }), id));
  await waitFor(() => host.received.length === 2, { what: "the next call" });
  expect(host.received.map(({ kind, headers }) => [kind, headers])).toEqual([
    ["request", {}],
    ["request", {}],
  ]);
  await runtime.stop();
  expect((await next).code).toBe("WORKER_GONE");
});
