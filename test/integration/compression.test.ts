import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineMessage } from "../../src/core/message-type.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { freePort } from "../kit/ports.ts";
import { agentrtBinary, startAgentrt } from "../kit/process.ts";
import { runAgentrt, runShell } from "../kit/run-to-end.ts";
import { waitFor } from "../kit/wait.ts";

setDefaultTimeout(60_000);

const Order = defineMessage("Order", (value) => value as { n: number; note: string });
const NOTE = "the same words as in every other order, ".repeat(40);

interface Line {
  readonly data: { readonly n: number; readonly note: string };
}

function numbersIn(stdout: string): readonly number[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { data } = JSON.parse(line) as Line;
    expect(data.note).toBe(NOTE);
    return data.n;
  });
}

test("compression - pub compresses for a host that passes it on, and sub shows all of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-compression-"));
  try {
    await using host = startAgentrt([
      ...["--role=host", "--listen=127.0.0.1:0", "--http=127.0.0.1:0", "--data=none"],
    ]);
    const { listen, http: page } = (await host.waitForLog("host ready")).properties;
    const address = String(listen);
    const totals = async (): Promise<Record<"bytesIn" | "bytesOut", number>> => {
      const answer = await fetch(`${page}/api/status`);
      return ((await answer.json()) as { totals: Record<"bytesIn" | "bytesOut", number> }).totals;
    };
    const count = 400;
    const file = join(folder, "orders.jsonl");
    const orders = Array.from({ length: count }, (_, n) => JSON.stringify({ n, note: NOTE }));
    await writeFile(file, `${orders.join("\n")}\n`);
    const size = orders.join("").length;
    const bytes: Record<string, readonly [number, number]> = {};
    for (const compression of ["off", "zstd", "gzip"]) {
      await using sub = startAgentrt([
        ...["sub", "orders", "--json", `--count=${count}`, `--host-address=${address}`],
      ]);
      await waitFor(
        async () =>
          (await runAgentrt(["ls", "subscriptions", `--host-address=${address}`])).stdout.includes(
            "orders",
          ),
        { what: "the subscription", timeoutMs: 20_000 },
      );
      const before = await totals();
      const pub = await runShell(
        [
          "bash",
          "-c",
          '"$1" pub orders - --type Order --compression "$2" --host-address "$3" < "$4"',
          "bash",
        ],
        [agentrtBinary(), compression, address, file],
      );
      expect(pub.stdout).toBe(`${count} published on orders/default\n`);
      expect(await sub.waitForExit()).toBe(0);
      expect(numbersIn(sub.stdout)).toEqual(Array.from({ length: count }, (_, n) => n));
      const after = await totals();
      bytes[compression] = [after.bytesIn - before.bytesIn, after.bytesOut - before.bytesOut];
    }
    for (const way of [0, 1] as const) {
      expect(bytes["off"]?.[way]).toBeGreaterThan(size);
      expect(bytes["zstd"]?.[way]).toBeLessThan(size / 5);
      expect(bytes["gzip"]?.[way]).toBeLessThan(size / 5);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("compression - durable messages that were sent compressed are stored once each, through a kill of the host", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agentrt-compression-"));
  try {
    const address = `127.0.0.1:${await freePort()}`;
    const args = [
      ...["--role=host", `--listen=${address}`, "--http=off", "--durable-topics=orders"],
      `--data=${join(folder, "host")}`,
    ];
    const first = startAgentrt(args);
    await first.waitForLog("host ready");
    const count = 1_000;
    {
      await using publisher = new GrpcWorkerAgentRuntime({
        hostAddress: address,
        compression: "zstd",
      });
      publisher.addMessageType(Order);
      await publisher.start();
      const topic = new TopicId("orders", "one");
      const stored: Promise<void>[] = [];
      const publish = async (from: number, to: number): Promise<void> => {
        for (let n = from; n < to; n += 1) {
          stored.push(publisher.publishMessage(Order.of({ n, note: NOTE }), topic));
          if (n % 20 === 0) {
            await new Promise((resolve) => setImmediate(resolve));
          }
        }
      };
      await publish(0, count / 2);
      await stored[0];
      first.signal("SIGKILL");
      await first.exited;
      await publish(count / 2, count);
      await using second = startAgentrt(args);
      await second.waitForLog("host ready");
      await Promise.all(stored);
      const read = ["sub", "orders", "--from=1", "--json", `--count=${count}`];
      const { stdout, stderr } = await runAgentrt([...read, `--host-address=${address}`]);
      expect(stderr).toBe("");
      const numbers = numbersIn(stdout).toSorted((one, other) => one - other);
      expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
    }
    const check = await runAgentrt(["data", "check", "--data", join(folder, "host")]);
    expect([check.code, check.stderr]).toEqual([0, ""]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
