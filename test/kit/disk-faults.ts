import { renameSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { compileLibrary } from "./compile-library.ts";

export interface Faults {
  /** How long a sync takes, in milliseconds. */
  readonly syncDelayMs?: number;
  readonly syncError?: "EIO" | "ENOSPC";
  readonly writeError?: "EIO" | "EROFS" | "EDQUOT";
}

/** The disk below one folder, for a process that gets {@link env}: slow or broken as it is told; see disk-faults.c. */
export class FaultyDisk {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;

  /** @param folder its path without symbolic links @param own a folder for what this needs itself */
  constructor(folder: string, own: string) {
    this.#file = join(own, "faults");
    this.env = {
      LD_PRELOAD: compileLibrary("disk-faults", own),
      FAULTS_FOLDER: folder,
      FAULTS_FILE: this.#file,
    };
    this.set({});
  }

  /** From now on, instead of what was before. */
  set({ syncDelayMs = 0, syncError, writeError }: Faults): void {
    const numbers = [syncDelayMs, errnoOf(syncError), errnoOf(writeError)];
    writeFileSync(`${this.#file}.new`, numbers.join(" "));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function errnoOf(name: keyof typeof constants.errno | undefined): number {
  return name === undefined ? 0 : constants.errno[name];
}
