import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { TOPICS } from "../../agents/messages.ts";
import { waitFor } from "../kit/wait.ts";
import { REBOUND_HOST } from "./chromium.ts";
import { useStage } from "./stage.ts";
import { Visit } from "./visit.ts";

const stage = useStage();

const COMMAND = { room: "kitchen", device: "air_conditioner" };

/** A web server of somebody else, which is to say: on another port. */
function startHostileSite(): { readonly url: string; [Symbol.asyncDispose](): Promise<void> } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response('<!doctype html><title>Kittens</title><link rel="icon" href="data:,">', {
        headers: { "content-type": "text/html" },
      }),
  });
  return {
    url: `http://127.0.0.1:${server.port}/`,
    [Symbol.asyncDispose]: async () => await server.stop(true),
  };
}

/** Everything that may not change: what the device does, and how many commands and tests the host saw. */
async function stateOfHome() {
  const [state, report] = await Promise.all([stage.home.state(), stage.home.report()]);
  const seen = (topic: string) =>
    report.topics.find(({ topicType }) => topicType === topic)?.messages ?? 0;
  return {
    device: state.rooms[0]?.devices.find(({ device }) => device === COMMAND.device)?.state,
    commands: seen(TOPICS.deviceCommands),
    tests: seen(TOPICS.securityCommands),
    alerts: state.alerts.length,
  };
}

/** The statuses of all answers, which the browser keeps from the page's scripts and from Playwright. */
async function collectStatuses(page: Page): Promise<number[]> {
  const statuses: number[] = [];
  const devtools = await page.context().newCDPSession(page);
  devtools.on("Network.responseReceivedExtraInfo", ({ statusCode }) => statuses.push(statusCode));
  await devtools.send("Network.enable");
  return statuses;
}

/** What a script of the page learns of a request that it sends: the status, or the name of an error. */
async function attempt(page: Page, url: string, init: object = {}): Promise<string> {
  return await page.evaluate<string>(
    `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
      (response) => response.type + " " + response.status,
      (error) => error.name,
    )`,
  );
}

test("browser - a page of another origin cannot post a command", async () => {
  await using site = startHostileSite();
  await using visit = await Visit.open(stage.browser, site.url);
  const { page } = visit;
  const statuses = await collectStatuses(page);
  const { homeUrl } = stage.home;
  const before = await stateOfHome();
  const state = before.device === "on" ? "off" : "on";
  const body = JSON.stringify({ ...COMMAND, state });
  const commands = `${homeUrl}/api/commands`;
  const headers = { "content-type": "application/json" };
  // With the browser's question beforehand, and as a simple request, which is sent without one.
  for (const init of [
    { method: "POST", headers, body },
    { method: "POST", mode: "no-cors", body },
  ]) {
    expect(await attempt(page, commands, init)).toBe("TypeError");
  }
  const alarm = JSON.stringify({ room: COMMAND.room });
  expect(
    await attempt(page, `${homeUrl}/api/security-test`, {
      method: "POST",
      mode: "no-cors",
      body: alarm,
    }),
  ).toBe("TypeError");
  // A form shows the answer that is kept from a script.
  const answer = page.waitForResponse(commands);
  await page.evaluate(`(() => {
    const form = document.createElement("form");
    form.method = "post";
    form.enctype = "text/plain";
    form.action = ${JSON.stringify(commands)};
    const field = document.createElement("input");
    field.name = ${JSON.stringify(body.slice(0, -1))} + ',"x":"';
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    form.submit();
  })()`);
  expect((await answer).status()).toBe(403);
  // A command with the question and one without, an alarm, the form.
  await waitFor(() => statuses.length >= 4, { what: "four answers" });
  expect(statuses).toEqual([403, 403, 403, 403]);
  expect(await stateOfHome()).toEqual(before);
  // The same command from the page of the home itself is obeyed.
  expect(await stage.home.command(COMMAND.device, state)).toBe(202);
  await stage.home.waitForDevice(COMMAND.device, state);
});

test("browser - a page of another origin can read nothing of the home and of the host", async () => {
  await using site = startHostileSite();
  await using visit = await Visit.open(stage.browser, site.url);
  const { homeUrl, statusUrl } = stage.home;
  const statuses = await collectStatuses(visit.page);
  for (const url of [`${homeUrl}/api/state`, `${statusUrl}/api/status`, `${statusUrl}/metrics`]) {
    expect(await attempt(visit.page, url)).toBe("TypeError");
  }
  for (const url of [`${homeUrl}/api/events`, `${statusUrl}/api/events`]) {
    const outcome = await visit.page.evaluate<string>(`new Promise((resolve) => {
      const source = new EventSource(${JSON.stringify(url)});
      source.onopen = () => resolve("open");
      source.onerror = () => { source.close(); resolve("refused"); };
    })`);
    expect(outcome).toBe("refused");
  }
  await waitFor(() => statuses.length >= 5, { what: "five answers" });
  expect(statuses).toEqual([403, 403, 403, 403, 403]);
});

test("browser - a name that was rebound to this machine gets nothing", async () => {
  for (const url of [stage.home.homeUrl, stage.home.statusUrl]) {
    const rebound = new URL(url);
    rebound.hostname = REBOUND_HOST;
    const context = await stage.browser.newContext();
    try {
      const page = await context.newPage();
      const response = await page.goto(rebound.href);
      expect(response?.status()).toBe(421);
      expect(await page.locator("body").textContent()).toContain("HOST_NOT_ALLOWED");
    } finally {
      await context.close();
    }
  }
});

test("browser - no other page can put the home into a frame", async () => {
  await using site = startHostileSite();
  await using visit = await Visit.open(stage.browser, site.url);
  const { page } = visit;
  for (const url of [stage.home.homeUrl, stage.home.statusUrl]) {
    await page.evaluate(`new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.onload = resolve;
      frame.src = ${JSON.stringify(url)};
      document.body.append(frame);
    })`);
    const frame = page.frames().at(-1);
    expect(await frame?.locator("#rooms, #workers").count()).toBe(0);
  }
});
