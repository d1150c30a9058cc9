import { describe, expect, test } from "bun:test";
import { hostname } from "node:os";
import { Hono } from "hono";
import {
  type PageBindings,
  type PageGuardOptions,
  pageGuard,
} from "../../src/security/page-guard.ts";

function bindings(host = "127.0.0.1", port = 8080): PageBindings {
  return { page: { host, port, stopping: new AbortController().signal } };
}

function guarded(options?: PageGuardOptions): Hono<{ Bindings: PageBindings }> {
  const app = new Hono<{ Bindings: PageBindings }>();
  app.use(pageGuard(options));
  app.get("/", (c) => c.text("page"));
  app.get("/page.js", (c) => c.body("1", 200, { "content-type": "text/javascript" }));
  app.get("/kept", (c) => c.body("1", 200, { "cache-control": "max-age=60" }));
  app.get("/api/read", (c) => c.json({ read: true }));
  app.post("/api/change", async (c) => c.json({ got: await c.req.json() }));
  app.get("/throws", () => {
    throw new Error("a secret of the inside");
  });
  app.onError((_, c) => c.json({ error: { code: "INTERNAL", message: "failed" } }, 500));
  return app;
}

async function ask(
  path: string,
  headers: Record<string, string>,
  {
    method = "GET",
    env = bindings(),
    options,
  }: { method?: string; env?: PageBindings | undefined; options?: PageGuardOptions } = {},
): Promise<{ status: number; code: unknown; headers: Headers; message: unknown }> {
  const init: RequestInit = { method, headers: { host: "127.0.0.1:8080", ...headers } };
  if (method !== "GET" && method !== "HEAD") {
    init.body = "{}";
  }
  const response = await guarded(options).request(path, init, env);
  const text = await response.text();
  const error = text.startsWith('{"error"') ? JSON.parse(text).error : {};
  return {
    status: response.status,
    code: error.code,
    message: error.message,
    headers: response.headers,
  };
}

const REFUSED_HOST = { status: 421, code: "HOST_NOT_ALLOWED" };
const CROSS_ORIGIN = { status: 403, code: "CROSS_ORIGIN" };
const OK = { status: 200, code: undefined };

describe("page guard, host header", () => {
  test.each(["127.0.0.1:8080", "127.9.9.9:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])(
    "page guard - the loopback host %p is answered",
    async (host) => {
      expect(await ask("/", { host })).toMatchObject(OK);
    },
  );

  test.each([
    "evil.example:8080",
    "evil.example",
    "127.0.0.1.evil.example:8080",
    "localhost.evil.example:8080",
    "127.0.0.1",
    "localhost:8081",
    "192.168.1.5:8080",
    "[::2]:8080",
    "localhost:8080, evil.example",
    "user@localhost:8080",
    "localhost:8080/",
    "localhost:",
    "localhost:99999",
    "2130706433:8080",
    "",
  ])("page guard - the host %p is refused", async (host) => {
    expect(await ask("/", { host })).toMatchObject(REFUSED_HOST);
  });

  test("page guard - a refused host is named, shortened", async () => {
    const { message } = await ask("/", { host: `${"a".repeat(200)}.example` });
    expect(message).toBe(
      `This server does not answer for the host "${"a".repeat(80)}…". Open it by the address it ` +
        "printed at start, or declare the name with --allowed-hosts.",
    );
  });

  test("page guard - port 80 needs no port in the host", async () => {
    expect(await ask("/", { host: "localhost" }, { env: bindings("127.0.0.1", 80) })).toMatchObject(
      OK,
    );
  });

  test("page guard - the address listened on is answered, its neighbours are not", async () => {
    const env = bindings("192.168.1.5");
    expect(await ask("/", { host: "192.168.1.5:8080" }, { env })).toMatchObject(OK);
    expect(await ask("/", { host: "192.168.1.6:8080" }, { env })).toMatchObject(REFUSED_HOST);
    const six = bindings("fd00::5");
    expect(await ask("/", { host: "[fd00::5]:8080" }, { env: six })).toMatchObject(OK);
  });

  test.each(["0.0.0.0", "::"])(
    "page guard - listening on %p answers any address and this machine's name, and no other name",
    async (wildcard) => {
      const env = bindings(wildcard);
      expect(await ask("/", { host: "192.168.1.5:8080" }, { env })).toMatchObject(OK);
      expect(await ask("/", { host: "[fd00::5]:8080" }, { env })).toMatchObject(OK);
      expect(await ask("/", { host: `${hostname()}:8080` }, { env })).toMatchObject(OK);
      expect(await ask("/", { host: "evil.example:8080" }, { env })).toMatchObject(REFUSED_HOST);
    },
  );

  test("page guard - a declared name passes with any port, a declared name and port with that port", async () => {
    const options = { allowedHosts: ["House.example", "localhost:9000"] };
    expect(await ask("/", { host: "house.example" }, { options })).toMatchObject(OK);
    expect(await ask("/", { host: "house.example:1" }, { options })).toMatchObject(OK);
    expect(await ask("/", { host: "localhost:9000" }, { options })).toMatchObject(OK);
    expect(await ask("/", { host: "localhost:9001" }, { options })).toMatchObject(REFUSED_HOST);
    expect(await ask("/", { host: "a.house.example" }, { options })).toMatchObject(REFUSED_HOST);
  });

  test("page guard - without a page server every port passes and every name is still checked", async () => {
    const app = guarded();
    expect((await app.request("/")).status).toBe(200);
    expect((await app.request("http://localhost:1234/")).status).toBe(200);
    expect((await app.request("http://evil.example/")).status).toBe(421);
  });
});

describe("page guard, other origins", () => {
  test.each(["http://127.0.0.1:8080", "https://127.0.0.1:8080"])(
    "page guard - its own origin %p may read and change",
    async (origin) => {
      const own = { origin, "sec-fetch-site": "same-origin", "content-type": "application/json" };
      expect(await ask("/api/read", own)).toMatchObject(OK);
      expect(await ask("/api/change", own, { method: "POST" })).toMatchObject(OK);
    },
  );

  test.each([
    "http://evil.example",
    "http://127.0.0.1:3000",
    "http://127.0.0.1",
    "http://localhost:8080",
    "null",
    "file://",
    "http://",
    "ftp://127.0.0.1:8080",
    "",
  ])("page guard - the origin %p is refused for reads and changes", async (origin) => {
    const json = { origin, "content-type": "application/json" };
    expect(await ask("/", json)).toMatchObject(CROSS_ORIGIN);
    expect(await ask("/api/read", json)).toMatchObject(CROSS_ORIGIN);
    expect(await ask("/api/change", json, { method: "POST" })).toMatchObject(CROSS_ORIGIN);
    expect(await ask("/api/change", json, { method: "OPTIONS" })).toMatchObject(CROSS_ORIGIN);
  });

  test.each(["cross-site", "same-site", "something-new"])(
    "page guard - a request from %p gets nothing but the page in a tab of its own",
    async (site) => {
      const from = { "sec-fetch-site": site };
      const link = { ...from, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
      const frame = { ...link, "sec-fetch-dest": "iframe" };
      const script = { ...from, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script" };
      expect(await ask("/", link)).toMatchObject(OK);
      expect(await ask("/", frame)).toMatchObject(CROSS_ORIGIN);
      expect(await ask("/page.js", script)).toMatchObject(CROSS_ORIGIN);
      expect(await ask("/api/read", from)).toMatchObject(CROSS_ORIGIN);
      expect(await ask("/api/read", link)).toMatchObject(CROSS_ORIGIN);
      const change = { ...link, "content-type": "application/json" };
      expect(await ask("/api/change", change, { method: "POST" })).toMatchObject(CROSS_ORIGIN);
    },
  );

  test("page guard - an address that a person typed passes", async () => {
    expect(await ask("/", { "sec-fetch-site": "none" })).toMatchObject(OK);
  });

  test("page guard - CORS is never opened", async () => {
    for (const origin of ["http://127.0.0.1:8080", "http://evil.example"]) {
      const { headers } = await ask("/api/read", { origin });
      expect([...headers.keys()].filter((key) => key.startsWith("access-control-"))).toEqual([]);
    }
  });
});

describe("page guard, changes", () => {
  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "",
  ])("page guard - a change sent as %p is refused", async (type) => {
    expect(await ask("/api/change", { "content-type": type }, { method: "POST" })).toMatchObject({
      status: 415,
      code: "UNSUPPORTED_CONTENT_TYPE",
    });
  });

  test.each(["application/json", "Application/JSON; charset=utf-8"])(
    "page guard - a change of a local program, sent as %p, passes",
    async (type) => {
      expect(await ask("/api/change", { "content-type": type }, { method: "POST" })).toMatchObject(
        OK,
      );
    },
  );

  test.each(["PUT", "DELETE", "PATCH", "PURGE"])(
    "page guard - the method %p counts as a change",
    async (method) => {
      expect(await ask("/", { "content-type": "text/plain" }, { method })).toMatchObject({
        status: 415,
      });
    },
  );
});

describe("page guard, response headers", () => {
  const EXPECTED = {
    "content-security-policy":
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
      "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; " +
      "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy":
      "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), " +
      "magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
  };

  test.each([
    ["/", { host: "127.0.0.1:8080" }, 200],
    ["/nowhere", { host: "127.0.0.1:8080" }, 404],
    ["/throws", { host: "127.0.0.1:8080" }, 500],
    ["/", { host: "evil.example" }, 421],
    ["/", { host: "127.0.0.1:8080", origin: "http://evil.example" }, 403],
  ] as const)("page guard - %j with %j carries every header", async (path, headers, status) => {
    const answer = await ask(path, headers);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(EXPECTED);
    expect(answer.headers.has("strict-transport-security")).toBe(false);
  });

  test("page guard - a handler may choose its own cache-control", async () => {
    expect((await ask("/kept", {})).headers.get("cache-control")).toBe("max-age=60");
  });
});
