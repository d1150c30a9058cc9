import { version } from "../../package.json" with { type: "json" };

/** What this program was made from. */
export interface BuildInfo {
  readonly version: string;
  /** Abbreviated commit id, with `-dirty` when files had changed since; `unknown` without git, and `source` when not compiled. */
  readonly commit: string;
  /** Operating system and processor, named as the released files are: `linux-x64`, `windows-x64`. */
  readonly target: string;
}

/** Put in by scripts/build.sh; does not exist when the program runs from its sources. */
declare const AGENTRT_COMMIT: string | undefined;

export const BUILD: BuildInfo = Object.freeze({
  version,
  commit: typeof AGENTRT_COMMIT === "string" ? AGENTRT_COMMIT : "source",
  target: `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`,
});
