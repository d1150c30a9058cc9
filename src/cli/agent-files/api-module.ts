import * as api from "../../index.ts";

/** What an agent file imports as `"agentrt"`: the same objects that this program works with. */
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
