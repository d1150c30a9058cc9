import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { shorten } from "../../core/agent-id.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { projectFiles } from "./project-template.ts";
import { TYPES_FILE, typesText } from "./write-types.ts";

/** Narrower than agent types: the name is a file's, too. */
const NAME = /^[A-Za-z][\w-]{0,63}$/;

/** A project that was made. */
export interface NewProject {
  readonly folder: string;
  readonly type: string;
  readonly files: readonly string[];
}

/**
 * Makes a folder with a small project in it.
 * @param path the folder; its last part is the agent's type
 * @throws AgentrtError `INVALID_OPTION` for a name that cannot be one, or a place that cannot be
 *   written; `FILE_EXISTS` when the folder is there and not empty
 */
export function newProject(path: string): NewProject {
  const folder = resolve(path);
  const type = basename(folder);
  if (!NAME.test(type)) {
    throw new AgentrtError(
      "INVALID_OPTION",
      `"${shorten(type)}" is not a name for an agent. Begin with a letter, and use letters, digits, "_" and "-".`,
    );
  }
  const files = { ...projectFiles(type, identifier(type)), [TYPES_FILE]: typesText() };
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) {
      throw new AgentrtError(
        "FILE_EXISTS",
        `${folder} is not empty. Choose another name, or empty the folder.`,
        { data: { file: folder } },
      );
    }
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text, { flag: "wx" });
    }
  } catch (error) {
    if (error instanceof AgentrtError) {
      throw error;
    }
    throw new AgentrtError(
      "INVALID_OPTION",
      `The project cannot be written to ${folder}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return { folder, type, files: Object.keys(files) };
}

/** `living-room` becomes `livingRoomAgent`: the ending keeps it clear of every reserved word. */
function identifier(type: string): string {
  const camel = type.replace(/[-_]+(\w)?/g, (_dash, letter: string | undefined) =>
    (letter ?? "").toUpperCase(),
  );
  return `${camel.charAt(0).toLowerCase()}${camel.slice(1)}Agent`;
}
