import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { BUILD } from "../build-info.ts";
import { embeddedFile } from "./embedded-files.ts";
import { TEST_TYPES } from "./test-types.ts";

export const TYPES_FILE = "agentrt.d.ts";

const MARK = "// The types of agentrt";

/** The declaration file that editors need for `import … from "agentrt"`. */
export function typesText(): string {
  return [
    `${MARK} ${BUILD.version}, written by \`agentrt types\`. Written anew by it, so do not edit.`,
    ambient(embeddedFile("agentrt.d.ts")),
    TEST_TYPES,
  ].join("\n");
}

/**
 * Writes the declaration file. An older one of ours is replaced.
 * @throws AgentrtError `FILE_EXISTS` when another file is there; `INVALID_OPTION` when it cannot be written
 */
export function writeTypes(file: string): void {
  if (existsSync(file) && !readFileSync(file, "utf8").startsWith(MARK)) {
    throw new AgentrtError(
      "FILE_EXISTS",
      `${file} exists and was not written by agentrt types. Name another file, or move it away.`,
      { data: { file } },
    );
  }
  const text = typesText();
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `The types cannot be written to ${file}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

/** A module of declarations as an ambient one, which needs no `paths` and no package to be found. */
function ambient(module: string): string {
  const inner = module.replace(/^(export )?declare /gm, "$1");
  return `declare module "agentrt" {\n${inner.trimEnd()}\n}\n`;
}
