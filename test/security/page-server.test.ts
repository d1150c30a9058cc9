import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { AgentrtError } from "../../src/core/errors.ts";
import { type PageBindings, pageGuard } from "../../src/security/page-guard.ts";
import {
  type PageApp,
  type PageServer,
  type PageServerOptions,
  startPageServer,
} from "../../src/security/page-server.ts";

function pageApp(): Hono<{ Bindings: PageBindings }> {
  const app = new Hono<{ Bindings: PageBindings }>();
  app.use(pageGuard());
  app.get("/", (c) => c.text("page"));
  app.post("/api/change", async (c) => c.json({ length: (await c.req.text()).length }));
  return app;
}

function start(options: Partial<PageServerOptions> = {}, app: PageApp = pageApp()) {
  return startPageServer(app, { address: "127.0.0.1:0", ...options });
}

/** Sends bytes as they are and gives back what came until the connection ended. */
function sendRaw(server: PageServer, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(portOf(server), "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // A server that hangs up on garbage may reset the connection.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

function portOf(server: PageServer): number {
  return Number(new URL(server.url).port);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof AgentrtError ? error.code : String(error);
}

describe("page server, listening", () => {
  test("page server - port 0 gives a real url that answers", async () => {
    await using server = await start();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(server.address).toBe(server.url.slice("http://".length));
    expect(await (await fetch(server.url)).text()).toBe("page");
  });

  test("page server - IPv6 loopback works, with brackets in its url", async () => {
    await using server = await start({ address: "[::1]:0" });
    expect(server.url).toStartWith("http://[::1]:");
    expect((await fetch(server.url)).status).toBe(200);
  });

  test("page server - a name that is not its own is refused on the wire", async () => {
    await using server = await start();
    const response = await fetch(server.url, {
      headers: { host: `evil.example:${portOf(server)}` },
    });
    expect(response.status).toBe(421);
    expect((await fetch(server.url, { headers: { host: "localhost:1" } })).status).toBe(421);
  });

  test("page server - a taken port is ADDRESS_IN_USE", async () => {
    await using server = await start();
    const again = start({ address: server.address });
    expect(await codeOf(again)).toBe("ADDRESS_IN_USE");
    await expect(again).rejects.toThrow(
      `Another process listens on ${server.address}. Stop it, or choose another port.`,
    );
  });

  test("page server - an address of another machine is ADDRESS_NOT_HERE", async () => {
    const elsewhere = start({ address: "203.0.113.7:0", isInsecureAllowed: true });
    expect(await codeOf(elsewhere)).toBe("ADDRESS_NOT_HERE");
  });

  test("page server - a name that does not resolve is ADDRESS_NOT_HERE", async () => {
    const nowhere = start({ address: "nowhere.invalid:0", isInsecureAllowed: true });
    expect(await codeOf(nowhere)).toBe("ADDRESS_NOT_HERE");
  });

  test("page server - listening beyond loopback is LISTEN_REFUSED without permission", async () => {
    expect(await codeOf(start({ address: "0.0.0.0:0" }))).toBe("LISTEN_REFUSED");
    await using server = await start({ address: "0.0.0.0:0", isInsecureAllowed: true });
    expect((await fetch(`http://127.0.0.1:${portOf(server)}`)).status).toBe(200);
  });

  test("page server - text that is no address is INVALID_OPTION", async () => {
    expect(await codeOf(start({ address: "8080" }))).toBe("INVALID_OPTION");
  });
});

describe("page server, bad input", () => {
  test.each([
    ["random bytes", crypto.getRandomValues(new Uint8Array(4_096))],
    ["a TLS hello", new Uint8Array([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc])],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["half a request", "GET / HTTP/1.1\r\nHo"],
    ["a request without host", "GET / HTTP/1.1\r\n\r\n"],
    ["HTTP/1.0 without host", "GET /api/status HTTP/1.0\r\n\r\n"],
    ["a host that is none", "GET / HTTP/1.1\r\nHost: a b<>\r\n\r\n"],
    ["a very long path", `GET /${"a".repeat(200_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
    ["100,000 headers", `GET / HTTP/1.1\r\nHost: localhost\r\n${"a: b\r\n".repeat(100_000)}\r\n`],
    ["a huge header", `GET / HTTP/1.1\r\nHost: localhost\r\na: ${"b".repeat(5_000_000)}\r\n\r\n`],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
  ])("page server - %s gets no page, and the next request does", async (_, bytes) => {
    await using server = await start();
    const answer = await sendRaw(server, bytes);
    expect(answer).not.toContain("HTTP/1.1 200");
    expect((await fetch(server.url)).status).toBe(200);
  });

  test("page server - a request without a usable host is told so", async () => {
    await using server = await start();
    const answer = await sendRaw(server, "GET /api/status HTTP/1.0\r\n\r\n");
    expect(answer).toStartWith("HTTP/1.1 400 ");
    expect(answer).toEndWith(
      '{"error":{"code":"INVALID_REQUEST","message":"The request has no usable Host header."}}',
    );
  });

  test("page server - a body over the limit is answered 413", async () => {
    await using server = await start({ maxBodyBytes: 1_000 });
    const send = (length: number) =>
      fetch(`${server.url}/api/change`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "x".repeat(length),
      });
    expect((await send(1_000)).status).toBe(200);
    expect((await send(1_001)).status).toBe(413);
  });

  test("page server - an application that throws gives 500 without its message, and serves on", async () => {
    let isBroken = true;
    await using server = await start(
      {},
      {
        fetch: () => {
          if (isBroken) {
            throw new Error("a secret of the inside");
          }
          return new Response("page");
        },
      },
    );
    const broken = await fetch(server.url);
    expect(broken.status).toBe(500);
    expect(await broken.json()).toEqual({
      error: { code: "INTERNAL", message: "The page failed. The log of the process says why." },
    });
    isBroken = false;
    expect((await fetch(server.url)).status).toBe(200);
  });
});

describe("page server, stopping", () => {
  test("page server - stop ends event streams and frees the port", async () => {
    const ended = Promise.withResolvers<void>();
    const app = new Hono<{ Bindings: PageBindings }>();
    app.get("/events", (c) =>
      streamSSE(c, async (stream) => {
        await stream.writeSSE({ data: "first" });
        const { stopping } = c.env.page;
        await new Promise<void>((resolve) => {
          stopping.addEventListener("abort", () => resolve(), { once: true });
        });
        ended.resolve();
      }),
    );
    const server = await start({}, app);
    const response = await fetch(`${server.url}/events`);
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain("first");
    await server.stop();
    await ended.promise;
    expect((await reader?.read())?.done).toBe(true);
    await using again = await start({ address: server.address });
    expect((await fetch(again.url)).status).toBe(200);
  });

  test("page server - stop does not wait for an answer that never ends", async () => {
    const started = Promise.withResolvers<void>();
    const server = await start(
      {},
      {
        fetch: () => {
          started.resolve();
          return new Promise<Response>(() => {});
        },
      },
    );
    const hanging = fetch(server.url).catch(() => "cut off");
    await started.promise;
    await server.stop({ timeoutMs: 20 });
    expect(await hanging).toBe("cut off");
  });

  test("page server - an answer in flight is finished", async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const server = await start(
      {},
      {
        fetch: async () => {
          started.resolve();
          await finish.promise;
          return new Response("whole");
        },
      },
    );
    const answer = fetch(server.url).then((response) => response.text());
    await started.promise;
    const stopped = server.stop({ timeoutMs: 10_000 });
    finish.resolve();
    expect(await answer).toBe("whole");
    await stopped;
  });

  test("page server - stop twice is one stop", async () => {
    const server = await start();
    const first = server.stop();
    expect(server.stop()).toBe(first);
    await first;
    expect(server.stop()).toBe(first);
  });
});
