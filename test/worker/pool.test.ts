import { describe, expect, test } from "bun:test";
import { GrpcWorkerAgentRuntimePool, Message } from "agentrt";
import { freePort } from "../kit/ports.ts";
import { rejectionOf, thrownBy } from "../kit/thrown.ts";
import { waitFor } from "../kit/wait.ts";
import { FakeHost } from "./fake-host.ts";

const message = new Message({ content: 1, topic: "t" });

describe("pool", () => {
  test("lends a runtime, and lends it again after it came back", async () => {
    await using host = await FakeHost.start();
    await using pool = new GrpcWorkerAgentRuntimePool({ hostAddress: host.address });
    expect(pool.poolSize).toBe(5);
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      await using runtime = await pool.getRuntime();
      await runtime.publish(message);
      ids.push(runtime.clientId);
      expect(pool.lent).toBe(1);
    }
    expect(pool.lent).toBe(0);
    expect(new Set(ids).size).toBe(1);
    await waitFor(() => host.received.length === 3, { what: "the messages" });
    expect(host.streams).toHaveLength(1);
  });

  test("waits while all are out, first come, first served", async () => {
    await using host = await FakeHost.start();
    await using pool = new GrpcWorkerAgentRuntimePool({ hostAddress: host.address, poolSize: 2 });
    const first = await pool.getRuntime();
    const second = await pool.getRuntime();
    expect(first.clientId).not.toBe(second.clientId);
    const order: string[] = [];
    const third = pool.getRuntime().then((runtime) => {
      order.push("third");
      return runtime;
    });
    const fourth = pool.getRuntime().then((runtime) => {
      order.push("fourth");
      return runtime;
    });
    const { clientId } = first;
    await first.release();
    expect((await third).clientId).toBe(clientId);
    await (await third).release();
    await (await fourth).release();
    await second.release();
    expect(order).toEqual(["third", "fourth"]);
    expect(pool.lent).toBe(0);
  });

  test("waiting ends by its time limit, by a signal, and by close", async () => {
    await using host = await FakeHost.start();
    await using pool = new GrpcWorkerAgentRuntimePool({ hostAddress: host.address, poolSize: 1 });
    const out = await pool.getRuntime();
    const late = await rejectionOf(pool.getRuntime({ timeoutMs: 5 }));
    expect([late.code, late.message]).toEqual([
      "DEADLINE",
      "All 1 runtimes of the pool stayed out for 5 ms. Give them back sooner, or raise poolSize.",
    ]);
    const abort = new AbortController();
    const given = rejectionOf(pool.getRuntime({ signal: abort.signal }));
    abort.abort();
    expect((await given).code).toBe("CANCELLED");
    expect((await rejectionOf(pool.getRuntime({ signal: abort.signal }))).code).toBe("CANCELLED");
    const waiting = rejectionOf(pool.getRuntime());
    await pool.close();
    expect((await waiting).code).toBe("RUNTIME_STATE");
    expect((await rejectionOf(out.publish(message))).code).toBe("RUNTIME_STATE");
    expect((await rejectionOf(pool.getRuntime())).code).toBe("RUNTIME_STATE");
  });

  test("a runtime that went back cannot be used, and its subscriptions are over", async () => {
    await using host = await FakeHost.start();
    await using pool = new GrpcWorkerAgentRuntimePool({ hostAddress: host.address, poolSize: 1 });
    const runtime = await pool.getRuntime();
    await runtime.subscribe("t", () => undefined);
    await runtime.release();
    await runtime.release();
    expect(pool.lent).toBe(0);
    expect(runtime.isConnected).toBe(false);
    expect((await rejectionOf(runtime.publish(message))).code).toBe("RUNTIME_STATE");
    expect(thrownBy(() => runtime.clientId).code).toBe("RUNTIME_STATE");
  });

  test("a runtime that cannot connect frees its place", async () => {
    const port = await freePort();
    await using pool = new GrpcWorkerAgentRuntimePool({
      hostAddress: `127.0.0.1:${port}`,
      poolSize: 1,
      connectTimeoutMs: 300,
    });
    expect((await rejectionOf(pool.getRuntime())).code).toBe("NOT_CONNECTED");
    expect(pool.lent).toBe(0);
    await using _host = await FakeHost.start({ port });
    await using runtime = await pool.getRuntime();
    expect(runtime.isConnected).toBe(true);
  });

  test("options - the size is checked, and a client id is refused", () => {
    for (const poolSize of [0, -1, 1.5, Number.NaN, 10_001]) {
      const { code } = thrownBy(() => new GrpcWorkerAgentRuntimePool({ poolSize }));
      expect(code).toBe("INVALID_OPTION");
    }
    const given = { clientId: "same", poolSize: 2 };
    expect(thrownBy(() => new GrpcWorkerAgentRuntimePool(given)).code).toBe("INVALID_OPTION");
    expect(thrownBy(() => new GrpcWorkerAgentRuntimePool({ hostAddress: "x" })).code).toBe(
      "INVALID_OPTION",
    );
    expect(new GrpcWorkerAgentRuntimePool({ poolSize: undefined }).poolSize).toBe(5);
  });
});
