import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { freePort } from "../kit/ports.ts";
import { type AgentrtProcess, startProcess } from "../kit/process.ts";
import { waitFor } from "../kit/wait.ts";

const PROGRAM = resolve(import.meta.dir, "../status/status-page-program.ts");
const BROWSER_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// A browser starts slowly on a busy machine.
setDefaultTimeout(60_000);

let folder = "";
let binary = "";
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agentrt-status-"));
  binary = join(folder, "status-page");
  const build = startProcess([
    process.execPath,
    "build",
    "--compile",
    "--minify",
    PROGRAM,
    "--outfile",
    binary,
  ]);
  expect(await build.waitForExit(60_000)).toBe(0);
  browser = await chromium.launch({
    executablePath: process.env["AGENTRT_CHROMIUM"] ?? "/usr/bin/chromium",
    args: BROWSER_ARGUMENTS,
  });
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Running extends AsyncDisposable {
  readonly process: AgentrtProcess;
  readonly url: string;
}

async function startProgram(address = "127.0.0.1:0", state = "usual"): Promise<Running> {
  const process = startProcess([binary, address], { env: { AGENTRT_TEST_STATE: state } });
  await process.waitForStdout(/^http:\S+\n/);
  return {
    process,
    url: process.stdout.trim(),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** What a browser complains about: script errors, refused content, failed loads. */
  readonly complaints: string[];
  /** Requests to anywhere else. */
  readonly strangers: string[];
}

async function openPage(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) {
      strangers.push(request.url());
    }
  });
  await page.goto(url);
  return { page, complaints, strangers, [Symbol.asyncDispose]: () => context.close() };
}

async function waitForText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

describe("status page, compiled", () => {
  test("status page - every route answers from inside the binary", async () => {
    await using program = await startProgram();
    const types: Record<string, string | null> = {};
    for (const path of [
      "/",
      "/status.css",
      "/live.status.js",
      "/tiles.status.js",
      "/lists.status.js",
      "/tables.status.js",
      "/format.status.js",
      "/api/status",
      "/healthz",
      "/readyz",
      "/metrics",
    ]) {
      const response = await fetch(`${program.url}${path}`);
      expect({ path, status: response.status }).toEqual({ path, status: 200 });
      expect((await response.text()).length).toBeGreaterThan(10);
      types[path] = response.headers.get("content-type");
    }
    expect(types).toMatchObject({
      "/": "text/html; charset=UTF-8",
      "/status.css": "text/css; charset=utf-8",
      "/live.status.js": "text/javascript; charset=utf-8",
      "/api/status": "application/json",
      "/metrics": "text/plain; version=0.0.4; charset=utf-8",
    });
  });

  test("status page - metrics of the process are true inside the binary", async () => {
    await using program = await startProgram();
    const readMetric = async (name: string) => {
      const text = await (await fetch(`${program.url}/metrics`)).text();
      return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    };
    expect(await readMetric("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
    expect(await readMetric("process_open_fds")).toBeGreaterThan(3);
    expect(await readMetric("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(await readMetric("process_start_time_seconds")).toBeGreaterThan(1_700_000_000);
    await waitFor(async () => (await readMetric("nodejs_eventloop_lag_max_seconds")) > 0, {
      what: "a measured lag of the event loop",
    });
  });

  test("status page - SIGTERM ends the process while somebody listens", async () => {
    await using program = await startProgram();
    const events = await fetch(`${program.url}/api/events`);
    expect(await program.process.stop()).toBe(0);
    await events.body?.cancel().catch(() => "cut off");
  });

  test("status page - a host that cannot report leaves the process up", async () => {
    await using program = await startProgram("127.0.0.1:0", "broken");
    expect((await fetch(`${program.url}/api/status`)).status).toBe(500);
    expect((await fetch(`${program.url}/healthz`)).status).toBe(200);
    await using open = await openPage(program.url);
    await waitForText(open.page, "#trouble", "The host cannot report.");
    expect(program.process.isRunning).toBe(true);
  });
});

describe("status page, in a browser", () => {
  test("status page - it shows the host, live, and the browser has nothing to complain about", async () => {
    await using program = await startProgram();
    await using open = await openPage(program.url);
    const { page } = open;
    await waitForText(page, "#link", "Live");
    await waitForText(page, "#state", "Ready");
    await waitForText(page, "#tile-subscriptions .value", "10,000");
    await waitForText(page, "#subscriptions .count", "10,000, 100 shown");
    expect(await page.locator("#subscriptions tbody tr").count()).toBe(100);
    await waitForText(page, "#letters", "NO_SUCH_AGENT");
    await waitForText(page, "#errors", "BAD_FRAME");
    await waitForText(page, "#topics", "environment_data");
    // A later report, and not the first alone.
    await waitForText(page, "#tile-uptime .value", "1s");
    expect(await page.locator("#insecure").isVisible()).toBe(false);
    expect(open.complaints).toEqual([]);
    expect(open.strangers).toEqual([]);
  });

  test("status page - a hostile agent type is text", async () => {
    await using program = await startProgram();
    await using open = await openPage(program.url);
    await waitForText(open.page, "#workers .chip", "<img src=x onerror=document.title='owned'>");
    expect(await open.page.locator("#workers img").count()).toBe(0);
    expect(await open.page.title()).toBe("Host status · agentrt");
  });

  test("status page - the filter reaches what is not shown, by keyboard alone", async () => {
    await using program = await startProgram();
    await using open = await openPage(program.url);
    const { page } = open;
    await waitForText(page, "#link", "Live");
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").textContent()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").getAttribute("id")).toBe("filter");
    await page.keyboard.type("topic_9999");
    await waitForText(page, "#subscriptions .count", "1 of 10,000 match");
    await waitForText(page, "#subscriptions tbody", "topic_9999");
    await waitForText(page, "#workers .empty", "Nothing here fits the filter.");
    await page.locator("#filter").fill("");
    await waitForText(page, "#subscriptions .count", "10,000, 100 shown");
    expect(open.complaints).toEqual([]);
  });

  test("status page - a lost connection shows, and comes back by itself", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    await using first = await startProgram(address);
    await using open = await openPage(first.url);
    const { page } = open;
    await waitForText(page, "#link", "Live");
    await first.process.kill();
    await waitForText(page, "#link", "Connection lost");
    await waitForText(page, "#trouble", "Connection to the host lost.");
    await using _second = await startProgram(address, "insecure");
    await waitForText(page, "#link", "Live");
    await page.locator("#trouble").waitFor({ state: "hidden" });
    await waitForText(page, "#insecure", "Anybody who reaches this machine");
  });

  test("status page - a page in the background holds no connection", async () => {
    await using program = await startProgram();
    await using open = await openPage(program.url);
    const { page } = open;
    await waitForText(page, "#link", "Live");
    const setHidden = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
         document.dispatchEvent(new Event("visibilitychange"));`,
      );
    const ended = page.waitForEvent("requestfailed", (request) =>
      request.url().includes("/api/events"),
    );
    await setHidden(true);
    await ended;
    await waitForText(page, "#link", "Paused");
    await setHidden(false);
    await waitForText(page, "#link", "Live");
  });

  test("status page - Chinese, on a phone, in the dark: no sideways scrolling, tables stay tables", async () => {
    await using program = await startProgram();
    await using open = await openPage(program.url, {
      locale: "zh-CN",
      colorScheme: "dark",
      viewport: { width: 360, height: 740 },
    });
    const { page } = open;
    await waitForText(page, "#link", "实时");
    await waitForText(page, "#workers h2", "工作进程");
    expect(
      await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      ),
    ).toBe(0);
    const table = page.getByRole("table", { name: /^工作进程/ });
    expect(await table.getByRole("columnheader").count()).toBe(8);
    expect(await table.getByRole("row").nth(1).getByRole("cell").count()).toBe(8);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe(
      "rgb(16, 23, 27)",
    );
    await page.getByRole("link", { name: "English" }).click();
    await waitForText(page, "#link", "Live");
    expect(open.complaints).toEqual([]);
  });
});
