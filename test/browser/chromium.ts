import { type Browser, chromium } from "playwright-core";

/** A name that Chromium, and nothing else, takes for this machine: what DNS rebinding makes of a hostile site. */
export const REBOUND_HOST = "rebound.example";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP ${REBOUND_HOST} 127.0.0.1`,
];

/**
 * Starts Debian's Chromium without a window.
 * @throws Error when it is not installed, with what to do
 */
export async function launchChromium(): Promise<Browser> {
  const executablePath = Bun.which("chromium");
  if (executablePath === null) {
    throw new Error(
      "Chromium is not installed, and the pages can only be tested in a browser. " +
        "Run scripts/test.sh, which installs it, or: apt-get install chromium",
    );
  }
  return await chromium.launch({ executablePath, args: FLAGS });
}
