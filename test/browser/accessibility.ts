import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { LOOK_TIMEOUT_MS } from "./visit.ts";

/** WCAG 2.0, 2.1 and 2.2, levels A and AA. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/**
 * What axe-core finds wrong with a page, one line for each element; empty when all is well.
 * @param prepare brings the page to the state to be examined
 */
export async function findBarriers(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
  prepare: (page: Page) => Promise<void>,
): Promise<readonly string[]> {
  // The policy of the page would forbid axe-core to run in it.
  const context = await browser.newContext({ locale: "en-US", bypassCSP: true, ...options });
  context.setDefaultTimeout(LOOK_TIMEOUT_MS);
  try {
    const page = await context.newPage();
    await page.goto(url);
    await prepare(page);
    await page.evaluate(axe.source);
    return await page.evaluate<string[]>(
      `axe.run({ runOnly: ${JSON.stringify(RULES)} }).then(({ violations, passes }) =>
        passes.length === 0
          ? ["axe-core examined nothing"]
          : violations.flatMap(({ id, nodes }) =>
              nodes.map(({ target, failureSummary }) => [id, target, failureSummary].join(": "))))`,
    );
  } finally {
    await context.close();
  }
}
