import { getLogger } from "@logtape/logtape";
import { messageOf } from "../../core/errors.ts";
import type { MessageLog, NewDeadRecord } from "../../store/log/message-log.ts";
import { encodeControlFrame } from "../../wire/link/frames.ts";
import type { CursorRunner } from "./cursor-runner.ts";

const logger = getLogger(["agentrt", "host"]);

/** How long what changed waits for more before it is stored. */
const COMMIT_DELAY_MS = 20;
const COMMIT_AGAIN_MS = 1_000;

/** Stores where cursors stand, those that have changed together. */
export class CursorCommits {
  readonly #log: MessageLog | undefined;
  readonly #runners: ReadonlyMap<string, CursorRunner>;
  #committing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(log: MessageLog | undefined, runners: ReadonlyMap<string, CursorRunner>) {
    this.#log = log;
    this.#runners = runners;
  }

  /** Stores what has not been stored, for the last time. Does not reject. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#committing;
    await this.#commit();
  }

  soon(delayMs = COMMIT_DELAY_MS): void {
    if (this.#committing === undefined && !this.#isClosed) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#committing = this.#commit().finally(() => {
          this.#committing = undefined;
        });
      }, delayMs);
    }
  }

  async #commit(): Promise<void> {
    const dirty = [...this.#runners.values()].filter((runner) => runner.isDirty);
    const snapshots = dirty.map((runner) => ({ runner, snapshot: runner.snapshot() }));
    if (this.#log === undefined || snapshots.length === 0) {
      return;
    }
    const dead: NewDeadRecord[] = snapshots.flatMap(({ runner, snapshot }) =>
      snapshot.dead.map((one) => ({ ...one, cursor: runner.name })),
    );
    const cursors = snapshots.map(({ runner, snapshot }) => ({
      name: runner.name,
      state: snapshot.state,
    }));
    try {
      await this.#log.commit({ cursors, dead });
    } catch (error) {
      logger.error("what was delivered could not be stored; it is tried again", {
        error: messageOf(error),
      });
      setTimeout(() => this.soon(0), COMMIT_AGAIN_MS).unref();
      return;
    }
    for (const { runner, snapshot } of snapshots) {
      runner.stored(snapshot, (session, floor) => {
        const value = { cursor: runner.wireName, floor: BigInt(floor) };
        session.tell(encodeControlFrame({ case: "cursorFloor", value }));
      });
    }
    // Also those that changed while others were stored: what they asked for then was not heard.
    for (const runner of this.#runners.values()) {
      if (runner.isDirty) {
        runner.pump();
      }
    }
  }
}
