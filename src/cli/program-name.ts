import { realpathSync } from "node:fs";
import { basename } from "node:path";

/** How this program can be called from any folder: a download that is not in the PATH by its path. */
export function programName(): string {
  const own = process.execPath;
  const found = Bun.which("agentrt");
  const isOnPath = found !== null && realpathSync(found) === realpathSync(own);
  // From its sources it runs in Bun, whose path says nothing.
  return isOnPath || /^bun/.test(basename(own)) ? "agentrt" : quoted(own);
}

/** As a shell reads it as one word. */
export function quoted(text: string): string {
  return /^[\w./:\\~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
