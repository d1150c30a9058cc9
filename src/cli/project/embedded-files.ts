import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentrtError } from "../../core/errors.ts";

/** Files that scripts/build.sh makes of the API and puts into the program. */
export type EmbeddedFile = "agentrt.d.ts" | "agentrt.js";

/** Inside the program the files lie beside the code; from the sources, where the build left them. */
const FOLDERS = [
  join(import.meta.dir, "embedded"),
  join(import.meta.dir, "../../../.build/embedded"),
];

/** The text of a file that the program carries. @throws AgentrtError `INTERNAL` when it was built without */
export function embeddedFile(name: EmbeddedFile): string {
  for (const folder of FOLDERS) {
    try {
      return readFileSync(join(folder, name), "utf8");
    } catch (error) {
      if (!isMissing(error)) {
        throw error;
      }
    }
  }
  throw new AgentrtError(
    "INTERNAL",
    `This build of agentrt does not hold ${name}. Build it with scripts/build.sh.`,
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
