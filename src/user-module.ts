// What a user's file of agents is given and how it is loaded, in the program and in each of its threads.

import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as api from "./index.ts";

/** What a user's file imports as `"agentrt"`: the same objects that this program works with. */
export const API: Readonly<Record<string, unknown>> = { ...api };

export const API_NAME = "agentrt";

let isInstalled = false;

/** From now on `import … from "agentrt"` gives the API inside the program, wherever it stands. */
export function installApi(): void {
  if (isInstalled) {
    return;
  }
  isInstalled = true;
  Bun.plugin({
    name: API_NAME,
    setup(build) {
      build.module(API_NAME, () => ({ loader: "object", exports: { ...API } }));
    },
  });
}

/**
 * Imports code that was made of a file and its relative imports, as if it stood in the file's place. A
 * module is kept by its path for the life of a process, so the code becomes one file of a new name,
 * beside the first, for the moment of loading.
 * @param file an absolute path
 * @throws what the code throws
 */
export async function importInPlaceOf(file: string, code: string): Promise<unknown> {
  const copy = join(dirname(file), `.agentrt-${randomUUID()}.mjs`);
  writeFileSync(copy, code);
  try {
    return await import(copy);
  } finally {
    rmSync(copy, { force: true });
  }
}
