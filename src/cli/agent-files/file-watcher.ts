import { existsSync, type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { getLogger } from "@logtape/logtape";

const log = getLogger(["agentrt", "agents"]);

/** Editors write a file in several steps, and save several files at once. */
const QUIET_MS = 100;

/**
 * Tells when one of some files may have changed. It watches their folders, because editors replace
 * a file rather than write into it.
 */
export class FileWatcher {
  readonly #onChange: () => void;
  readonly #files = new Map<string, readonly string[]>();
  readonly #folders = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param onChange called once for changes that come close together */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches `files` for `owner`, instead of those that it named before. */
  watch(owner: string, files: readonly string[]): void {
    if (this.#isClosed) {
      return;
    }
    this.#files.set(owner, files);
    this.#watchFolders();
  }

  /** Watches nothing for `owner` any more but its folder, if that is still there: others may come into it. */
  forget(owner: string): void {
    this.#files.delete(owner);
    if (existsSync(dirname(owner))) {
      this.watch(owner, [owner]);
    } else {
      this.#watchFolders();
    }
  }

  #watchFolders(): void {
    const wanted = new Set([...this.#files.values()].flat().map((file) => dirname(file)));
    for (const [folder, watcher] of this.#folders) {
      if (!wanted.has(folder)) {
        watcher.close();
        this.#folders.delete(folder);
      }
    }
    for (const folder of wanted) {
      if (!this.#folders.has(folder)) {
        this.#watchFolder(folder);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) {
      watcher.close();
    }
    this.#folders.clear();
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        // Our own copies come and go there.
        if (name === null || !basename(name).startsWith(".agentrt-")) {
          this.#noteChange();
        }
      });
      watcher.on("error", (error) => log.warn("a folder is no longer watched", { folder, error }));
      this.#folders.set(folder, watcher);
    } catch (error) {
      log.warn("a folder cannot be watched", { folder, error });
    }
  }

  #noteChange(): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) {
      this.#timer = setTimeout(this.#onChange, QUIET_MS);
    }
  }
}
