import { afterAll, beforeAll } from "bun:test";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { SmartHome } from "../kit/smart-home.ts";
import { launchChromium } from "./chromium.ts";
import { Visit } from "./visit.ts";

/** Starting a browser and six processes takes a while on a busy machine. */
export const START_TIMEOUT_MS = 60_000;

/** A smart home, each role a process of its own, and a browser: what all tests of a file share. */
export interface Stage {
  readonly home: SmartHome;
  readonly browser: Browser;
  visitHome(options?: BrowserContextOptions): Promise<Visit>;
  visitStatus(options?: BrowserContextOptions): Promise<Visit>;
}

/** Call it at the top of a test file; the parts are there when the tests run. */
export function useStage(): Stage {
  let parts: { readonly home: SmartHome; readonly browser: Browser } | undefined;
  const get = () => {
    if (parts === undefined) {
      throw new Error("The smart home or the browser did not start; see the failure before.");
    }
    return parts;
  };
  beforeAll(async () => {
    const browser = await launchChromium();
    try {
      parts = { browser, home: await SmartHome.start() };
    } catch (error) {
      await browser.close();
      throw error;
    }
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await parts?.browser.close();
    await parts?.home[Symbol.asyncDispose]();
  });
  return {
    get home() {
      return get().home;
    },
    get browser() {
      return get().browser;
    },
    visitHome: async (options) => await Visit.open(get().browser, get().home.homeUrl, options),
    visitStatus: async (options) => await Visit.open(get().browser, get().home.statusUrl, options),
  };
}
