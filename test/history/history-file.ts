import { closeSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HistoryEvent } from "./history.ts";

/** The same clock in all processes of a machine. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}

type Untimed<T> = T extends HistoryEvent ? Omit<T, "at"> & { readonly at?: number } : never;
/** It happens now unless it says otherwise. */
export type NewEvent = Untimed<HistoryEvent>;

/** Notes events of one process. Each is with the system when `note` returns, so a kill of the process loses none. */
export class HistoryFile implements Disposable {
  readonly #descriptor: number;

  constructor(folder: string, name: string) {
    this.#descriptor = openSync(join(folder, `${name}.jsonl`), "a");
  }

  note(event: NewEvent): void {
    writeSync(this.#descriptor, `${JSON.stringify({ at: clock(), ...event })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

/** All that was noted in a folder, by time; in a file in its order. */
export function readHistory(folder: string): readonly HistoryEvent[] {
  const events: HistoryEvent[] = [];
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".jsonl"))) {
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      // A line without its end is one that a kill has cut off: what it was about to say has not happened.
      if (line.startsWith("{") && line.endsWith("}")) {
        events.push(JSON.parse(line) as HistoryEvent);
      }
    }
  }
  return events.sort((one, other) => one.at - other.at);
}
