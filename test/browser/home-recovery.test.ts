import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import type { Part } from "../kit/smart-home.ts";
import { waitFor } from "../kit/wait.ts";
import { findBarriers } from "./accessibility.ts";
import { useStage } from "./stage.ts";

const stage = useStage();

const ROOM = 'article.room[data-room="kitchen"]';
const SWITCHES = `${ROOM} button[role="switch"]`;
const PAGE_IS_LIVE = '#page-link[data-state="connected"]';
const HOST_IS_THERE = '#host-link[data-state="connected"]';
const TEST_TIMEOUT_MS = 60_000;

/** Runs the step while a part is dead; the part comes back however the step ends. */
async function whileDead(part: Part, step: () => Promise<void>): Promise<void> {
  const { home } = stage;
  await home.process(part).kill();
  try {
    await step();
  } finally {
    home.startPart(part);
  }
  await home.waitUntilAlive();
}

async function waitUntilWhole(page: Page): Promise<void> {
  await page.locator(PAGE_IS_LIVE).waitFor();
  await page.locator(HOST_IS_THERE).waitFor();
  await page.locator(`${SWITCHES}:enabled`).nth(1).waitFor();
  await page.locator("#notice").waitFor({ state: "hidden" });
  await page.locator(`${ROOM} .room-notice`).waitFor({ state: "hidden" });
}

/** A property that a reload would take away. */
async function mark(page: Page): Promise<void> {
  await page.evaluate("globalThis.wasNeverReloaded = true");
}

async function expectNoReload(page: Page): Promise<void> {
  expect(await page.evaluate("globalThis.wasNeverReloaded")).toBe(true);
}

/** Waits until the page shows another temperature than now. */
async function waitForFreshReading(page: Page): Promise<void> {
  const value = page.locator(`${ROOM} .temperature .value`);
  const before = await value.textContent();
  await waitFor(async () => (await value.textContent()) !== before, { what: "a new reading" });
}

test(
  "browser - a dead device agent shows at its switches, which work again after its restart",
  async () => {
    await using visit = await stage.visitHome();
    const { page } = visit;
    await waitUntilWhole(page);
    await mark(page);
    await whileDead("device", async () => {
      await visit.see(`${ROOM} .room-notice`, "No device agent answers here");
      await page.locator(`${SWITCHES}:disabled`).nth(1).waitFor();
      await visit.see(`${ROOM} .device-state`, "Unknown");
      // The readings of the room do not depend on it.
      await waitForFreshReading(page);
    });
    await waitUntilWhole(page);
    const air = page.locator(`${ROOM} li[data-device="air_conditioner"] button`);
    const before = await air.getAttribute("aria-checked");
    await air.click();
    await page
      .locator(`${ROOM} li[data-device="air_conditioner"] button:not([aria-checked="${before}"])`)
      .waitFor();
    await expectNoReload(page);
    visit.expectClean();
  },
  TEST_TIMEOUT_MS,
);

test(
  "browser - a dead host shows on the page, which recovers by itself",
  async () => {
    await using visit = await stage.visitHome();
    const { page } = visit;
    await waitUntilWhole(page);
    await mark(page);
    await whileDead("host", async () => {
      await page.locator('#host-link[data-state="connecting"]').waitFor();
      await visit.see("#host-link", "Host: away");
      await visit.see("#notice", "The host is away.");
      await page.locator(PAGE_IS_LIVE).waitFor();
    });
    await waitUntilWhole(page);
    await waitForFreshReading(page);
    await expectNoReload(page);
    visit.expectClean();
  },
  TEST_TIMEOUT_MS,
);

test(
  "browser - a page finds its restarted UI agent again without a reload",
  async () => {
    await using visit = await stage.visitHome();
    const { page } = visit;
    await waitUntilWhole(page);
    await mark(page);
    await whileDead("ui", async () => {
      await page.locator('#page-link[data-state="connecting"]').waitFor();
      await visit.see("#host-link", "Host: unknown");
      await visit.see("#notice", "No connection to the UI agent.");
    });
    await waitUntilWhole(page);
    await waitForFreshReading(page);
    await expectNoReload(page);
    visit.expectCleanButForTheNetwork();
  },
  TEST_TIMEOUT_MS,
);

test(
  "browser - axe finds no barrier on a page that tells of a dead device agent",
  async () => {
    await whileDead("device", async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        const { browser, home } = stage;
        const options = { colorScheme };
        const barriers = await findBarriers(browser, home.homeUrl, options, async (page) => {
          await page.locator(`${ROOM} .room-notice`).waitFor();
        });
        expect(barriers).toEqual([]);
      }
    });
  },
  TEST_TIMEOUT_MS,
);
