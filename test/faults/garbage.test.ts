import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { HostReport } from "../../src/core/host-report.ts";
import { type AgentrtProcess, startAgentrt } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

const ROUNDS = 50;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Sends bytes and waits until the other end has closed, or `patienceMs` is over; then closes. */
async function throwAt(address: string, bytes: Uint8Array, patienceMs = 300): Promise<void> {
  const [host, port] = address.split(":");
  await new Promise<void>((resolve) => {
    const socket = connect({ host, port: Number(port) }, () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), patienceMs);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume();
  });
}

async function manyHeaders(address: string, count: number): Promise<void> {
  const session = connectHttp2(`http://${address}`);
  await new Promise<void>((resolve) => {
    session.on("error", () => resolve());
    session.on("close", () => resolve());
    const headers: Record<string, string> = {
      ":method": "POST",
      ":path": "/agents.AgentRpc/OpenChannel",
      "content-type": "application/grpc",
      te: "trailers",
      "client-id": "flood",
    };
    for (let index = 0; index < count; index += 1) {
      headers[`x-h${index}`] = "value";
    }
    try {
      const request = session.request(headers);
      request.on("error", () => resolve());
      request.on("close", () => resolve());
      request.on("response", () => {
        request.close();
        resolve();
      });
      request.end();
    } catch {
      // The client's own stack refused to send so much; the host was not reached.
      resolve();
    }
  });
  session.destroy();
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
}

async function startHost(): Promise<{ host: AgentrtProcess; listen: string; url: string }> {
  const host = startAgentrt([
    ...["--role", "host", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", "none"],
  ]);
  const ready = await host.waitForLog("host ready");
  const http = String(ready.properties["http"]);
  return {
    host,
    listen: String(ready.properties["listen"]),
    url: http.startsWith("http") ? http : `http://${http}`,
  };
}

test("faults - garbage on both ports is counted, and neither stops nor swells the host", async () => {
  const { host, listen, url } = await startHost();
  await using _host = host;
  const page = new URL(url).host;
  const report = async (): Promise<HostReport> =>
    (await (await fetch(new URL("/api/status", url))).json()) as HostReport;

  const volley = async (): Promise<void> => {
    await Promise.all([
      throwAt(listen, randomBytes(4_096)),
      throwAt(listen, Buffer.concat([PREFACE, randomBytes(4_096)])),
      throwAt(listen, Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n")),
      throwAt(listen, PREFACE.subarray(0, 10)),
      throwAt(listen, Buffer.from("16030100b1010000ad0303", "hex")),
      throwAt(page, randomBytes(4_096)),
      throwAt(page, Buffer.from(`GET / HTTP/1.1\r\nhost: ${"x".repeat(100_000)}\r\n\r\n`)),
      throwAt(page, Buffer.from("GET /api/status HTTP/1.1\r\nhost: evil.example\r\n\r\n")),
    ]);
  };
  await volley();
  const before = await residentBytes(host.pid);
  for (let round = 0; round < ROUNDS; round += 1) {
    await volley();
  }
  for (const count of [1_000, 100_000]) {
    await manyHeaders(listen, count);
  }
  const after = await residentBytes(host.pid);

  expect(host.isRunning).toBe(true);
  const { totals, errors } = await report();
  expect(totals.connectionsBroken).toBeGreaterThanOrEqual(ROUNDS * 2);
  expect(errors.some((error) => error.code === "BAD_FRAME")).toBe(true);
  expect(after - before).toBeLessThan(150 * 1_024 * 1_024);
  expect((await fetch(new URL("/readyz", url))).status).toBe(200);
  await waitFor(async () => (await report()).workers.length === 0, {
    what: "no worker to be left",
  });
  expect(await host.stop()).toBe(0);
}, 120_000);
