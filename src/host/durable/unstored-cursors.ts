import type { CursorStart } from "../../store/log/message-log.ts";

/** How long what could not be stored waits until it is tried again. */
const AGAIN_MS = 1_000;

/** Cursors that the log could not open or remove, such as while its disk is full. */
export class UnstoredCursors {
  /** Not opened: by name, since when. */
  readonly #sinceMs = new Map<string, number>();
  readonly #unremoved = new Set<string>();
  #againAtMs = 0;

  notOpened(name: string, atMs: number): void {
    this.#sinceMs.set(name, this.#sinceMs.get(name) ?? atMs);
  }

  opened(name: string): void {
    this.#sinceMs.delete(name);
  }

  /** What came into the log since the first try is the cursor's. */
  startOf(name: string): CursorStart {
    const timeMs = this.#sinceMs.get(name);
    return timeMs === undefined ? { at: "next" } : { at: "time", timeMs };
  }

  notRemoved(name: string): void {
    this.#unremoved.add(name);
  }

  removed(name: string): void {
    this.#unremoved.delete(name);
  }

  /** True when what is stored of the name is of a subscription that was given up. */
  isLeftOver(name: string): boolean {
    return this.#unremoved.has(name);
  }

  /** Gives the names of what is to be tried now. */
  due(nowMs: number): { readonly open: readonly string[]; readonly remove: readonly string[] } {
    if (nowMs < this.#againAtMs) {
      return { open: [], remove: [] };
    }
    this.#againAtMs = nowMs + AGAIN_MS;
    return { open: [...this.#sinceMs.keys()], remove: [...this.#unremoved] };
  }
}
