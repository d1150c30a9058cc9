import { beforeAll, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { JSON_CONTENT_TYPE } from "../../src/core/envelope.ts";
import { TypeSubscription } from "../../src/core/subscription.ts";
import { TopicId } from "../../src/core/topic-id.ts";
import { DEADLINE_MS, WireWorker } from "../host/wire-worker.ts";
import { waitFor } from "../kit/wait.ts";
import { findBarriers } from "./accessibility.ts";
import { START_TIMEOUT_MS, useStage } from "./stage.ts";
import type { Visit } from "./visit.ts";

const stage = useStage();

const LIVE = 'body[data-link="live"]';
const TOPIC = '#topics tbody tr:has-text("environment_data")';

/** The text of the cell under a heading, in the first row that the selector finds. */
async function cell(visit: Visit, row: string, heading: string): Promise<string> {
  return await visit.textOf(`${row} >> td[data-label="${heading}"]`);
}

async function waitUntilLive(page: Page): Promise<void> {
  await page.locator(LIVE).waitFor();
  await page.locator(TOPIC).waitFor();
}

// An event for an agent type that nobody holds and a frame that is none, so that every list has a row.
beforeAll(async () => {
  using worker = await WireWorker.join(stage.home.listen, "a-worker-with-bad-manners");
  await worker.client.addSubscription(
    new TypeSubscription("lost_and_found", "nobody_home"),
    DEADLINE_MS,
  );
  worker.send({
    kind: "event",
    id: "1",
    topic: new TopicId("lost_and_found", "kitchen"),
    sender: undefined,
    headers: {},
    payload: { dataType: "Umbrella", contentType: JSON_CONTENT_TYPE, data: Buffer.from("{}") },
  });
  worker.channel.stream.write(new Uint8Array([0xff, 0xff, 0xff]));
  await waitFor(async () => (await stage.home.report()).errors.length > 0, {
    what: "an error at the host",
  });
}, START_TIMEOUT_MS);

test("browser - the status page shows the workers, the topics and what flows", async () => {
  await using visit = await stage.visitStatus();
  const { page } = visit;
  await waitUntilLive(page);
  await visit.see("#state", "Ready");
  for (const agentType of [
    "environment_agent.kitchen",
    "device_agent",
    "security_agent",
    "ui_agent",
  ]) {
    await visit.see("#workers .chip", agentType);
    await visit.see(
      "#subscriptions tbody tr",
      agentType === "environment_agent.kitchen" ? /./ : agentType,
    );
  }
  expect(await page.locator("#workers tbody tr").count()).toBe(4);
  expect(Number(await cell(visit, TOPIC, "Messages"))).toBeGreaterThan(0);
  await visit.see(`${TOPIC} td[data-label="A second"]`, /\d/);
  await visit.see("#version", /^\d+\.\d+\.\d+/);
  await visit.see("#listen", stage.home.listen);
  visit.expectClean();
});

test("browser - the numbers of the status page live", async () => {
  await using visit = await stage.visitStatus();
  await waitUntilLive(visit.page);
  const count = async () => Number((await cell(visit, TOPIC, "Messages")).replaceAll(",", ""));
  const before = { messages: await count(), uptime: await visit.textOf("#tile-uptime .value") };
  await waitFor(async () => (await count()) > before.messages, { what: "a higher count" });
  await waitFor(async () => (await visit.textOf("#tile-uptime .value")) !== before.uptime, {
    what: "a longer uptime",
  });
  visit.expectClean();
});

test("browser - the status page shows a dead letter and an error, and says why", async () => {
  await using visit = await stage.visitStatus();
  await waitUntilLive(visit.page);
  const letter = '#letters tbody tr:has-text("lost_and_found/kitchen")';
  await visit.see(letter, "NO_SUCH_AGENT");
  await visit.see(letter, 'Agent type "nobody_home" is subscribed, but no worker holds it.');
  await visit.see("#tile-letters.bad .value", /^1$/);
  await visit.see('#errors tbody tr:has-text("a-worker-with-bad-manners")', "BAD_FRAME");
  visit.expectClean();
});

test("browser - the filter of the status page narrows every list", async () => {
  await using visit = await stage.visitStatus();
  const { page } = visit;
  await waitUntilLive(page);
  await page.locator("#filter").fill("environment_data");
  await visit.see("#topics .count", /^1 of \d+ match$/);
  await visit.see("#letters .empty", "Nothing here fits the filter.");
  await page.locator("#filter").fill("");
  await page.locator(TOPIC).waitFor();
  visit.expectClean();
});

test("browser - the status page speaks Chinese to a browser that prefers it", async () => {
  await using visit = await stage.visitStatus({ locale: "zh-CN" });
  await waitUntilLive(visit.page);
  expect(await visit.page.locator("html").getAttribute("lang")).toStartWith("zh");
  await visit.see("#link", "实时");
  await visit.see("#workers h2", "工作进程");
  visit.expectClean();
});

test("browser - the status page has a dark scheme", async () => {
  await using visit = await stage.visitStatus({ colorScheme: "light" });
  expect(await visit.brightness()).toBeGreaterThan(200);
  await visit.page.emulateMedia({ colorScheme: "dark" });
  expect(await visit.brightness()).toBeLessThan(60);
  visit.expectClean();
});

test("browser - the status page fits a phone of 360 pixels", async () => {
  await using visit = await stage.visitStatus({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
  });
  await waitUntilLive(visit.page);
  await visit.see("#letters tbody tr", "NO_SUCH_AGENT");
  expect(await visit.sidewaysScroll()).toBe(0);
  visit.expectClean();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1_280, 360]) {
    test(`browser - axe finds no barrier on the status page, ${colorScheme}, ${width} pixels`, async () => {
      const { browser, home } = stage;
      const options = { colorScheme, viewport: { width, height: 800 } };
      const barriers = await findBarriers(browser, home.statusUrl, options, async (page) => {
        await waitUntilLive(page);
        await page.locator(".counters summary").click();
      });
      expect(barriers).toEqual([]);
    });
  }
}
