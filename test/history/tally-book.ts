import type { JsonValue } from "agentrt";
import type { Tally } from "./messages.ts";

/** What a counting agent has had, as ranges of numbers by stream, since they come in order. */
export class TallyBook {
  readonly #ranges = new Map<string, [number, number][]>();
  #again: { stream: string; n: number }[] = [];

  count({ stream, n }: { readonly stream: string; readonly n: number }): void {
    const ranges = this.#ranges.get(stream) ?? [];
    this.#ranges.set(stream, ranges);
    const last = ranges.at(-1);
    if (ranges.some(([from, until]) => from <= n && n <= until)) {
      this.#again.push({ stream, n });
    } else if (last?.[1] === n - 1) {
      last[1] = n;
    } else {
      ranges.push([n, n]);
    }
  }

  get tally(): Tally {
    return { counted: Object.fromEntries(this.#ranges), again: this.#again };
  }

  get state(): JsonValue {
    return structuredClone(this.tally) as unknown as JsonValue;
  }

  load(state: JsonValue): void {
    const { counted, again } = state as unknown as Tally;
    this.#ranges.clear();
    for (const [stream, ranges] of Object.entries(counted)) {
      this.#ranges.set(stream, ranges);
    }
    this.#again = again;
  }
}
