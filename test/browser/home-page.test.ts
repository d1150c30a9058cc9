import { expect, test } from "bun:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { AGENT_TYPES, DeviceList, GetDevices, TOPICS } from "../../agents/messages.ts";
import { AgentId } from "../../src/core/agent-id.ts";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { GrpcWorkerAgentRuntime } from "../../src/worker/grpc-worker-runtime.ts";
import { DEADLINE_MS, WireWorker } from "../host/wire-worker.ts";
import { waitFor } from "../kit/wait.ts";
import { findBarriers } from "./accessibility.ts";
import { useStage } from "./stage.ts";

const stage = useStage();

const ROOM = 'article.room[data-room="kitchen"]';
const AIR_CONDITIONER = `${ROOM} li.device[data-device="air_conditioner"]`;
const SWITCH = `${AIR_CONDITIONER} button[role="switch"]`;
const LIVE = '#page-link[data-state="connected"]';
const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  hasTouch: true,
  isMobile: true,
};

/** Waits until the air conditioner shows a confirmed state, and says which. */
async function confirmedState(page: Page): Promise<"on" | "off"> {
  await page.locator(`${SWITCH}:enabled[aria-busy="false"]`).waitFor();
  return (await page.locator(SWITCH).getAttribute("aria-checked")) === "true" ? "on" : "off";
}

async function waitForChecked(page: Page, state: "on" | "off"): Promise<void> {
  const isChecked = state === "on";
  await page.locator(`${SWITCH}[aria-checked="${isChecked}"][aria-busy="false"]`).waitFor();
}

function opposite(state: "on" | "off"): "on" | "off" {
  return state === "on" ? "off" : "on";
}

/** What the device agent itself says, past the page. */
async function askDeviceAgent(): Promise<"on" | "off" | undefined> {
  await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: stage.home.listen });
  await runtime.start();
  runtime.addMessageType(DeviceList);
  const answer = await runtime.sendMessage(
    GetDevices.of({}),
    new AgentId(AGENT_TYPES.device, "kitchen"),
    { timeoutMs: DEADLINE_MS },
  );
  const devices = DeviceList.is(answer) ? answer.devices : [];
  return devices.find(({ device }) => device === "air_conditioner")?.state;
}

async function commandsAtHost(): Promise<number> {
  const { topics } = await stage.home.report();
  return topics.find(({ topicType }) => topicType === TOPICS.deviceCommands)?.messages ?? 0;
}

/** How many pixels of the chart are painted. */
async function paintedPixels(page: Page): Promise<number> {
  return await page.evaluate<number>(`(() => {
    const canvas = document.querySelector('${ROOM} .chart canvas');
    if (canvas === null || canvas.width === 0) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  })()`);
}

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 30; presses += 1) {
    await page.keyboard.press("Tab");
    if ((await page.locator(`${selector}:focus`).count()) === 1) {
      return;
    }
  }
  throw new Error(`Tab does not lead to ${selector}.`);
}

test("browser - readings appear and change, and the chart draws them", async () => {
  await using visit = await stage.visitHome();
  const { page } = visit;
  await page.locator(LIVE).waitFor();
  await page.locator('#host-link[data-state="connected"]').waitFor();
  const temperature = `${ROOM} .temperature .value`;
  await visit.see(temperature, /^\d\d\.\d$/);
  await visit.see(`${ROOM} .humidity .value`, /^\d\d\.\d$/);
  const first = await visit.textOf(temperature);
  await waitFor(async () => (await visit.textOf(temperature)) !== first, {
    what: "another temperature",
  });
  await waitFor(async () => (await paintedPixels(page)) > 500, { what: "a chart with lines" });
  expect(await page.locator(`${ROOM} .chart`).getAttribute("aria-label")).toMatch(
    /^Last 10 minutes: temperature \d\d\.\d to \d\d\.\d\u00a0°C, humidity \d\d\.\d to \d\d\.\d\u00a0%\.$/,
  );
  visit.expectClean();
});

test("browser - a clicked switch waits, then shows what the device agent confirmed", async () => {
  await using visit = await stage.visitHome();
  const { page } = visit;
  const before = await confirmedState(page);
  const commands = await commandsAtHost();
  const device = stage.home.process("device");
  // A frozen device agent confirms nothing, so that the time of waiting can be looked at.
  device.signal("SIGSTOP");
  try {
    await page.locator(SWITCH).click();
    await page.locator(`${SWITCH}[aria-busy="true"]`).waitFor();
    await visit.see(`${AIR_CONDITIONER} .device-reason`, "Waiting for confirmation…");
    expect(await page.locator(SWITCH).getAttribute("aria-checked")).toBe(String(before === "on"));
  } finally {
    device.signal("SIGCONT");
  }
  const after = opposite(before);
  await waitForChecked(page, after);
  await visit.see(`${AIR_CONDITIONER} .device-state`, after === "on" ? "On" : "Off");
  await visit.see(`${AIR_CONDITIONER} .device-reason`, /^Manual until \d\d:\d\d$/);
  expect(await visit.textOf(`${AIR_CONDITIONER} .device-problem`)).toBe("");
  expect(await visit.textOf("#say-later")).toBe(
    `Air conditioner in kitchen: ${after === "on" ? "On" : "Off"}, confirmed`,
  );
  expect(await askDeviceAgent()).toBe(after);
  expect(await commandsAtHost()).toBe(commands + 1);
  visit.expectClean();
});

test("browser - two pages show the same confirmed state", async () => {
  await using one = await stage.visitHome();
  await using other = await stage.visitHome();
  const after = opposite(await confirmedState(one.page));
  await confirmedState(other.page);
  await one.page.locator(SWITCH).click();
  await waitForChecked(one.page, after);
  await waitForChecked(other.page, after);
  one.expectClean();
  other.expectClean();
});

test("browser - the switch works by keyboard alone and keeps the focus", async () => {
  await using visit = await stage.visitHome();
  const { page } = visit;
  const before = await confirmedState(page);
  await tabTo(page, SWITCH);
  await page.keyboard.press("Space");
  await waitForChecked(page, opposite(before));
  expect(await askDeviceAgent()).toBe(opposite(before));
  await page.keyboard.press("Space");
  await waitForChecked(page, before);
  expect(await page.locator(`${SWITCH}:focus-visible`).count()).toBe(1);
  visit.expectClean();
});

test("browser - a test alert appears in the list and travels with high priority", async () => {
  await using visit = await stage.visitHome();
  const { page } = visit;
  await confirmedState(page);
  using listener = await WireWorker.join(stage.home.listen, crypto.randomUUID());
  await listener.client.registerAgent("listener", DEADLINE_MS);
  await listener.client.addSubscription(
    new TypeSubscription(TOPICS.securityAlerts, "listener"),
    DEADLINE_MS,
  );
  const alerts = page.locator('#alerts li[data-kind="test"]');
  const count = await alerts.count();
  await page.locator(ROOM).getByRole("button", { name: "Test the alarm in kitchen" }).click();
  await alerts.nth(count).waitFor();
  await visit.see("#alerts li .alert-message", "Test alert for kitchen. Nothing is wrong.");
  expect(await visit.textOf("#say-now")).toBe(
    "Alert in kitchen: Test. Test alert for kitchen. Nothing is wrong.",
  );
  expect(await page.locator("#no-alerts").isVisible()).toBe(false);
  const [event] = await listener.channel.waitFor(1);
  expect(event).toMatchObject({ kind: "event", headers: { priority: "high" } });
  visit.expectClean();
});

test("browser - a browser that prefers Chinese gets Chinese", async () => {
  await using visit = await stage.visitHome({ locale: "zh-CN" });
  const { page } = visit;
  await page.locator('html[lang^="zh"]').waitFor({ state: "attached" });
  await visit.see("h1", "智能家居");
  await visit.see("#page-link", "页面：实时");
  await visit.see(`${AIR_CONDITIONER} .device-name`, "空调");
  await visit.see(`${AIR_CONDITIONER} .device-state`, /^[开关]$/);
  expect(await page.locator(`${ROOM} .chart`).getAttribute("aria-label")).toStartWith("最近");
  await page.getByRole("button", { name: "测试kitchen的警报" }).click();
  await visit.see("#alerts li .alert-message", "这是kitchen的测试警报，一切正常。");
  await page.getByRole("link", { name: "English" }).click();
  await visit.see("#page-link", "Page: live");
  expect(await page.locator("html").getAttribute("lang")).toBe("en");
  visit.expectClean();
});

test("browser - the page follows the colour scheme, also while it is open", async () => {
  await using visit = await stage.visitHome({ colorScheme: "light" });
  await confirmedState(visit.page);
  expect(await visit.brightness()).toBeGreaterThan(200);
  await visit.page.emulateMedia({ colorScheme: "dark" });
  expect(await visit.brightness()).toBeLessThan(60);
  await waitFor(async () => (await paintedPixels(visit.page)) > 500, {
    what: "a chart that was painted anew",
  });
  visit.expectClean();
});

test("browser - a phone of 360 pixels has nothing to scroll sideways", async () => {
  await using visit = await stage.visitHome(PHONE);
  const { page } = visit;
  await confirmedState(page);
  await page.locator(`${ROOM} .chart canvas`).waitFor();
  expect(await visit.sidewaysScroll()).toBe(0);
  const box = await page.locator(SWITCH).boundingBox();
  expect(box).not.toBeNull();
  expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThanOrEqual(360);
  const before = await confirmedState(page);
  await page.locator(SWITCH).tap();
  await waitForChecked(page, opposite(before));
  visit.expectClean();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`browser - axe finds no barrier on the home page, ${colorScheme}`, async () => {
    const barriers = await findBarriers(
      stage.browser,
      stage.home.homeUrl,
      { colorScheme },
      async (page) => {
        await confirmedState(page);
        const button = page.getByRole("button", { name: "Test the alarm in kitchen" });
        await button.click();
        await page.locator("#alerts li").first().waitFor();
      },
    );
    expect(barriers).toEqual([]);
  });
}
