import { describe, expect, test } from "bun:test";
import type { HostReport } from "../../src/core/host-report.ts";
import type { PageBindings } from "../../src/security/page-guard.ts";
import { createStatusApp, type StatusApp } from "../../src/status/status-page.ts";
import type { StatusView } from "../../src/status/status-view.ts";
import { hostReport, subscriptionReports, workerReport } from "./report.ts";

function failing(): HostReport {
  throw new Error("a secret of the inside");
}

function appOf(report: HostReport): StatusApp {
  return createStatusApp(() => report);
}

const FAILED = {
  error: { code: "INTERNAL", message: "The host cannot report. Its log says why." },
};

describe("status page, HTML", () => {
  test("status page - English is the default, Chinese comes by Accept-Language or lang", async () => {
    const app = appOf(hostReport());
    const titleOf = async (path: string, language?: string) => {
      const headers: Record<string, string> =
        language === undefined ? {} : { "accept-language": language };
      const html = await (await app.request(path, { headers })).text();
      return [/<html lang="([^"]*)"/.exec(html)?.[1], /<title>(.*)<\/title>/.exec(html)?.[1]];
    };
    const english = ["en", "Host status · agentrt"];
    const chinese = ["zh-Hans", "主机状态 · agentrt"];
    expect(await titleOf("/")).toEqual(english);
    expect(await titleOf("/", "fr-FR, de;q=0.9")).toEqual(english);
    expect(await titleOf("/", "zh-CN,zh;q=0.9,en;q=0.8")).toEqual(chinese);
    expect(await titleOf("/", "en-GB,zh;q=0.5")).toEqual(english);
    expect(await titleOf("/?lang=zh", "en")).toEqual(chinese);
    expect(await titleOf("/?lang=<script>", "en")).toEqual(english);
  });

  test("status page - the HTML has no inline script, style or handler, and no other origin", async () => {
    for (const language of ["en", "zh"]) {
      const html = await (await appOf(hostReport()).request(`/?lang=${language}`)).text();
      expect(html).not.toMatch(/<script(?![^>]*(?:src=|type="application\/json"))/);
      expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/);
      const addresses = [...html.matchAll(/(?:src|href|action)="([^"]*)"/g)].map(([, to]) => to);
      expect(addresses.filter((to) => /^(?:https?:)?\/\//.test(to ?? ""))).toEqual([]);
    }
  });

  test("status page - every file that the page names is served, with its type", async () => {
    const app = appOf(hostReport());
    const html = await (await app.request("/")).text();
    const named = [...html.matchAll(/(?:src|href)="([\w.-]+\.(?:js|css))"/g)].map(([, to]) => to);
    expect(named).toEqual(["status.css", "live.status.js"]);
    const seen = new Set<string>();
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) {
        return;
      }
      seen.add(path);
      const response = await app.request(`/${path}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe(
        path.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8",
      );
      const text = await response.text();
      for (const [, imported] of text.matchAll(/from "\.\/([^"]+)"/g)) {
        await visit(imported ?? "");
      }
    };
    for (const path of named) {
      await visit(path ?? "");
    }
    expect([...seen].sort()).toEqual([
      "format.status.js",
      "lists.status.js",
      "live.status.js",
      "status.css",
      "tables.status.js",
      "tiles.status.js",
    ]);
  });

  test("status page - the warning is there from the start when the page itself is exposed", async () => {
    const app = appOf(hostReport());
    const isHidden = async (host: string) => {
      const env: PageBindings = { page: { host, port: 80, stopping: AbortSignal.abort() } };
      const html = await (await app.request("/", {}, env)).text();
      return /id="insecure"[^>]* hidden/.test(html);
    };
    expect(await isHidden("127.0.0.1")).toBe(true);
    expect(await isHidden("0.0.0.0")).toBe(false);
  });

  test("status page - the HTML needs no report", async () => {
    expect((await createStatusApp(failing).request("/")).status).toBe(200);
  });
});

describe("status page, /api/status", () => {
  test("api status - the report comes whole, with counts", async () => {
    const report = hostReport();
    const response = await appOf(report).request("/api/status");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      ...report,
      workers: report.workers.map((worker) => ({ ...worker, agentTypeCount: 1 })),
      counts: {
        workers: { total: 1, matching: 1 },
        subscriptions: { total: 2, matching: 2 },
        topics: { total: 1, matching: 1 },
        deadLetters: { total: 1, matching: 1 },
        errors: { total: 1, matching: 1 },
        agentTypes: 1,
        queuedMessages: 7,
        queuedBytes: 8,
      },
    });
  });

  test("api status - 10,000 subscriptions come whole, or cut, or filtered", async () => {
    const app = appOf(hostReport({ subscriptions: subscriptionReports(10_000) }));
    const ask = async (query: string): Promise<StatusView> =>
      (await app.request(`/api/status${query}`)).json() as Promise<StatusView>;
    const all = await ask("");
    expect(all.subscriptions).toHaveLength(10_000);
    const cut = await ask("?limit=100");
    expect(cut.subscriptions).toHaveLength(100);
    expect(cut.counts.subscriptions).toEqual({ total: 10_000, matching: 10_000 });
    const filtered = await ask("?filter=TOPIC_99&limit=5");
    expect(filtered.subscriptions.map((one) => one.pattern)).toEqual([
      "topic_99",
      "topic_990",
      "topic_991",
      "topic_992",
      "topic_993",
    ]);
    expect(filtered.counts.subscriptions).toEqual({ total: 10_000, matching: 111 });
    expect(filtered.workers).toEqual([]);
    expect(filtered.counts.workers).toEqual({ total: 1, matching: 0 });
    const byCode = await ask("?filter=no_such_agent");
    expect(byCode.counts.deadLetters).toEqual({ total: 1, matching: 1 });
    const none = await ask("?limit=0");
    expect(none.subscriptions).toEqual([]);
  });

  test.each([
    ["limit=-1", "The limit is not a whole number."],
    ["limit=1.5", "The limit is not a whole number."],
    ["limit=9999999999", "The limit is not a whole number."],
    [`filter=${"x".repeat(201)}`, "The filter has more than 200 characters."],
  ])("api status - %p is INVALID_REQUEST", async (query, message) => {
    for (const path of ["/api/status", "/api/events"]) {
      const response = await appOf(hostReport()).request(`${path}?${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: { code: "INVALID_REQUEST", message } });
    }
  });

  test("api status - a hostile name stays text", async () => {
    const hostile = '</script><img src=x onerror="alert(1)">';
    const response = await appOf(
      hostReport({ workers: [workerReport({ agentTypes: [hostile] })] }),
    ).request("/api/status");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.json()).toMatchObject({ workers: [{ agentTypes: [hostile] }] });
  });
});

describe("status page, health", () => {
  test("health - healthz says that the process works, whatever the host does", async () => {
    const response = await createStatusApp(failing).request("/healthz");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  });

  test.each(["starting", "draining", "stopped"] as const)(
    "health - readyz is 503 while the host is %p",
    async (state) => {
      const response = await appOf(hostReport({ state })).request("/readyz");
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({
        error: { code: "NOT_READY", message: `The host is ${state}.` },
      });
    },
  );

  test("health - readyz is 200 when the host is ready", async () => {
    const response = await appOf(hostReport()).request("/readyz");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ state: "ready" });
  });
});

describe("status page, refusals", () => {
  test.each(["/api/status", "/readyz", "/metrics"])(
    "status page - %p is 500 without the cause when the host cannot report",
    async (path) => {
      const response = await createStatusApp(failing).request(path);
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual(FAILED);
    },
  );

  test("status page - an unknown path is NOT_FOUND", async () => {
    const response = await appOf(hostReport()).request("/nowhere");
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: { code: "NOT_FOUND", message: "There is no such path. Begin at /." },
    });
  });

  test("status page - no path takes a change", async () => {
    const headers = { "content-type": "application/json" };
    const response = await appOf(hostReport()).request("/api/status", { method: "POST", headers });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await response.json()).toEqual({
      error: { code: "METHOD_NOT_ALLOWED", message: "This path takes GET, HEAD only." },
    });
  });

  test.each([
    "/",
    "/status.css",
    "/api/status",
    "/api/events",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere",
  ])("status page - %p is guarded", async (path) => {
    const app = appOf(hostReport());
    expect((await app.request(`http://evil.example${path}`)).status).toBe(421);
    const foreign = await app.request(path, { headers: { origin: "http://evil.example" } });
    expect(foreign.status).toBe(403);
    expect(foreign.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test.each([
    [{ intervalMs: 49 }, "intervalMs is 49. Give a whole number from 50 to 2000."],
    [{ intervalMs: 2_001 }, "intervalMs is 2001. Give a whole number from 50 to 2000."],
    [{ intervalMs: Number.NaN }, "intervalMs is NaN. Give a whole number from 50 to 2000."],
    [{ maxViewers: 0 }, "maxViewers is 0. Give a whole number from 1 to 1000."],
    [{ maxViewers: 1_001 }, "maxViewers is 1001. Give a whole number from 1 to 1000."],
  ])("status page - the option %j is refused", (options, message) => {
    expect(() => createStatusApp(hostReport, options)).toThrow(`Status page option ${message}`);
  });

  test("status page - options that are undefined have their defaults", () => {
    createStatusApp(hostReport, {
      allowedHosts: undefined,
      intervalMs: undefined,
      maxViewers: undefined,
    });
    createStatusApp(hostReport, { intervalMs: 50, maxViewers: 1 });
    createStatusApp(hostReport, { intervalMs: 2_000, maxViewers: 1_000 });
  });
});
