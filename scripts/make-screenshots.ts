// Makes the pictures of the documentation: starts the smart home, each role a process of its own,
// looks at its pages in Chromium, and stops it. Use: make-screenshots.ts FOLDER

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../test/browser/chromium.ts";
import { type AgentrtProcess, startAgentrt } from "../test/kit/process.ts";
import type { HomeState } from "../test/kit/smart-home.ts";
import { waitFor } from "../test/kit/wait.ts";

const ROOMS = ["bedroom", "kitchen", "living-room"] as const;
/** The same readings in every picture. */
const SEED = "1";
const INTERVAL = "500ms";
/** The narrowest chart shows a minute; then it is full. */
const READINGS = 122;
/** Beyond this a picture makes the repository and its front page slow. */
const MAX_PICTURE_BYTES = 204_800;

const WIDE: BrowserContextOptions = {
  viewport: { width: 1_280, height: 846 },
  deviceScaleFactor: 1.25,
};
const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 780 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

interface Picture {
  readonly file: string;
  readonly page: "home" | "status";
  readonly options: BrowserContextOptions;
}

const PICTURES: readonly Picture[] = [
  { file: "home-light.png", page: "home", options: { ...WIDE, colorScheme: "light" } },
  { file: "home-dark.png", page: "home", options: { ...WIDE, colorScheme: "dark" } },
  { file: "home-phone.png", page: "home", options: { ...PHONE, colorScheme: "light" } },
  { file: "home-chinese.png", page: "home", options: { ...WIDE, locale: "zh-CN" } },
  { file: "status-light.png", page: "status", options: { ...WIDE, colorScheme: "light" } },
  { file: "status-dark.png", page: "status", options: { ...WIDE, colorScheme: "dark" } },
];

interface Addresses {
  readonly home: string;
  readonly status: string;
}

async function startHome(processes: AgentrtProcess[], data: string): Promise<Addresses> {
  const start = (name: string, ...args: string[]): AgentrtProcess => {
    const started = startAgentrt([...args, "--data", join(data, name)]);
    processes.push(started);
    return started;
  };
  const any = "127.0.0.1:0";
  const host = start("host", "--role", "host", "--listen", any, "--http", any);
  const ready = await host.waitForLog("host ready");
  const dial = ["--host-address", String(ready.properties["listen"])];
  const ui = start("ui", "--role", "ui-agent", "--ui", any, ...dial);
  start("device", "--role", "device-agent", ...dial);
  start("security", "--role", "security-agent", "--alert-temperature", "29.5", ...dial);
  for (const room of ROOMS) {
    const sensor = ["--name", room, "--interval", INTERVAL, "--seed", SEED];
    start(room, "--role", "environment-agent", ...sensor, ...dial);
  }
  const { properties } = await ui.waitForLog("ui ready");
  return { home: String(properties["url"]), status: String(ready.properties["http"]) };
}

async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Waits until the charts are full, then does what a person does: switches, and tests the alarm. */
async function useHome(page: Page, url: string): Promise<void> {
  await waitFor(
    async () => {
      const { rooms } = (await (await fetch(`${url}/api/state`)).json()) as HomeState;
      return (
        rooms.length === ROOMS.length && rooms.every((room) => room.readings.length >= READINGS)
      );
    },
    { what: `${READINGS} readings of each room`, timeoutMs: 120_000, intervalMs: 500 },
  );
  const humidifier = '[data-room="living-room"] [data-device="humidifier"] [role="switch"]';
  await page.locator(humidifier).click();
  await page.locator(`${humidifier}[aria-busy="false"]`).waitFor();
  await page.locator('[data-room="kitchen"] .test').click();
  await page.locator('#alerts [data-kind="test"]').waitFor();
}

async function take(browser: Browser, addresses: Addresses, picture: Picture, folder: string) {
  const page = await openPage(browser, addresses[picture.page], picture.options);
  if (picture.page === "home") {
    await page
      .locator(".chart canvas")
      .nth(ROOMS.length - 1)
      .waitFor();
    await page.locator('#host-link[data-state="connected"]').waitFor();
    await page
      .locator('[role="switch"]:enabled')
      .nth(2 * ROOMS.length - 1)
      .waitFor();
  } else {
    // The curve of the rate begins with the page.
    await page.locator('body[data-link="live"]').waitFor();
  }
  const path = join(folder, picture.file);
  const bytes = await page.screenshot({ path });
  await page.context().close();
  if (bytes.byteLength > MAX_PICTURE_BYTES) {
    throw new Error(`${path} has ${bytes.byteLength} bytes, more than ${MAX_PICTURE_BYTES}.`);
  }
  console.log(`${path} (${Math.ceil(bytes.byteLength / 1_024)} KiB)`);
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error("Usage: make-screenshots.ts FOLDER");
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const data = await mkdtemp(join(tmpdir(), "agentrt-screenshots-"));
const processes: AgentrtProcess[] = [];
const browser = await launchChromium();
try {
  const addresses = await startHome(processes, data);
  const page = await openPage(browser, addresses.home, WIDE);
  await useHome(page, addresses.home);
  await page.context().close();
  for (const picture of PICTURES) {
    await take(browser, addresses, picture, folder);
  }
} finally {
  await browser.close();
  await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
  await rm(data, { recursive: true, force: true });
}
