import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Machine } from "./setting.ts";

const FOLDER = "agentrt";

/** The platform's place for a program's own state of one user; undefined where the user has no home. */
export function stateFolderOf({ platform, environment, home }: Machine): string | undefined {
  const folder = platformFolder({ platform, environment, home });
  return isAbsolute(folder) ? folder : undefined;
}

function platformFolder({ platform, environment, home }: Machine): string {
  switch (platform) {
    case "darwin":
      return join(home, "Library", "Application Support", FOLDER);
    case "win32":
      return join(environment["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), FOLDER);
    default: {
      const state = environment["XDG_STATE_HOME"];
      // The XDG base directory specification: a relative path there is to be ignored.
      return state !== undefined && isAbsolute(state)
        ? join(state, FOLDER)
        : join(home, ".local", "state", FOLDER);
    }
  }
}

/** An absolute path; `~/` is the home folder, which no shell expands inside a configuration file. */
export function absoluteFolder(folder: string, home: string = homedir()): string {
  return folder === "~" || folder.startsWith("~/") || folder.startsWith("~\\")
    ? resolve(home, folder.slice(2))
    : resolve(folder);
}
