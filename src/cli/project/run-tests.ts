import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embeddedFile } from "./embedded-files.ts";

const PRELOAD = `import * as api from "./agentrt.js";
Bun.plugin({
  name: "agentrt",
  setup(build) {
    build.module("agentrt", () => ({ loader: "object", exports: { ...api } }));
  },
});
`;

/**
 * Runs the tests of a folder with the test runner of Bun, which this program holds, and with
 * `"agentrt"` as the API of this version.
 * @param words a folder first, if wanted (default: the current one); the rest goes to the runner
 * @returns the runner's exit code
 */
export async function runTests(words: readonly string[]): Promise<number> {
  const [first] = words;
  const folder = first !== undefined && isFolder(first) ? first : undefined;
  const rest = folder === undefined ? words : words.slice(1);
  const api = mkdtempSync(join(tmpdir(), "agentrt-test-"));
  try {
    writeFileSync(join(api, "agentrt.js"), embeddedFile("agentrt.js"));
    writeFileSync(join(api, "preload.js"), PRELOAD);
    const child = Bun.spawn(
      [process.execPath, "test", "--preload", join(api, "preload.js"), ...rest],
      {
        cwd: folder ?? process.cwd(),
        // Makes the program behave as the Bun that it is made with.
        env: { ...process.env, BUN_BE_BUN: "1" },
        stdio: ["inherit", "inherit", "inherit"],
      },
    );
    return await child.exited;
  } finally {
    rmSync(api, { recursive: true, force: true });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
