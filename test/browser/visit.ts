import { expect } from "bun:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** A violated Content-Security-Policy becomes a line on the console, also where Chromium itself writes none. */
const REPORT_VIOLATIONS = `addEventListener("securitypolicyviolation", (event) => {
  console.error("CSP:", event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber);
});`;

/** What Chromium writes to the console when nobody answers. */
const NETWORK_FAILURE = "Failed to load resource: net::ERR_";

/** How long a page may take to show what it is looked at for. */
export const LOOK_TIMEOUT_MS = 12_000;

/** One look at a page in a browser profile of its own. Declare it with `await using`. */
export class Visit implements AsyncDisposable {
  readonly page: Page;
  /** Errors on the console, uncaught exceptions, violations of the Content-Security-Policy. */
  readonly complaints: string[] = [];
  /** Requests to any other origin. */
  readonly strangers: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    const { origin } = new URL(url);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.complaints.push(message.text());
      }
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin && !request.url().startsWith("data:")) {
        this.strangers.push(request.url());
      }
    });
  }

  /** Opens a page, in English unless another locale is asked for. */
  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<Visit> {
    const context = await browser.newContext({ locale: "en-US", ...options });
    // Before the test's own time is over, which would take the smart home and the browser with it.
    context.setDefaultTimeout(LOOK_TIMEOUT_MS);
    const page = await context.newPage();
    const visit = new Visit(page, url);
    await page.addInitScript(REPORT_VIOLATIONS);
    await page.goto(url);
    return visit;
  }

  /** Fails when the browser had anything to complain about, or the page asked another origin for anything. */
  expectClean(): void {
    expect({ complaints: this.complaints, strangers: this.strangers }).toEqual({
      complaints: [],
      strangers: [],
    });
  }

  /** The same after a time in which the server was away: its silence is no complaint about the page. */
  expectCleanButForTheNetwork(): void {
    const others = this.complaints.filter((text) => !text.startsWith(NETWORK_FAILURE));
    expect({ complaints: others, strangers: this.strangers }).toEqual({
      complaints: [],
      strangers: [],
    });
  }

  /** Waits for an element that is visible and has a text in it. */
  async see(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).first().waitFor();
  }

  async textOf(selector: string): Promise<string> {
    return (await this.page.locator(selector).first().textContent()) ?? "";
  }

  /** How many pixels the page is wider than its window. */
  async sidewaysScroll(): Promise<number> {
    return await this.page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
  }

  /** How bright the ground of the page is, from 0 for black to 255 for white. */
  async brightness(): Promise<number> {
    const color = await this.page.evaluate<string>(
      "getComputedStyle(document.body).backgroundColor",
    );
    const channels = (color.match(/\d+/g) ?? []).slice(0, 3).map(Number);
    return channels.reduce((sum, channel) => sum + channel, 0) / 3;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}
