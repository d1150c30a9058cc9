import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { AgentrtError, messageOf } from "../../core/errors.ts";

const SOURCE = /\.(?:ts|js|mts|mjs)$/;
/** Types, and the tests that stand beside the agents. */
const NO_AGENTS = /\.d\.m?ts$|[._](?:test|spec)\.m?[jt]s$/;
const INDEXES = ["index.ts", "index.js"] as const;

/**
 * The files that a list of paths stands for: each file itself, and of each folder its `.ts` and
 * `.js` files and the `index` files of the folders in it. Hidden ones, `node_modules`, tests and
 * declarations are left out; a file that is named twice comes once.
 * @returns absolute paths, in the order given and by name within a folder
 * @throws AgentrtError `INVALID_OPTION` for a path that leads nowhere or a folder without agents
 */
export function findAgentFiles(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => filesOf(resolve(path))))];
}

function filesOf(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) {
      return [path];
    }
  } catch (error) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `--agent: ${path} cannot be read: ${messageOf(error)}.`,
      { cause: error, data: { setting: "agent" } },
    );
  }
  const files = agentFilesIn(path);
  if (files.length === 0) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `--agent: the folder ${path} has no .ts or .js file. Name a file, or a folder with agents in it.`,
      { data: { setting: "agent" } },
    );
  }
  return files;
}

function agentFilesIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const names = new Set(readdirSync(path));
      const index = INDEXES.find((name) => names.has(name));
      return index === undefined ? [] : [join(path, index)];
    }
    return SOURCE.test(entry.name) && !NO_AGENTS.test(entry.name) ? [path] : [];
  });
}
