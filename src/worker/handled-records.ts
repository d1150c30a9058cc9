import type { AgentId } from "../core/agent-id.ts";
import { PositionRanges } from "../core/position-ranges.ts";
import type { StateStore } from "../core/state-store.ts";

/** Cursors of other hosts, or of logs that are no more, that an agent remembers records of. */
const MAX_CURSORS = 8;
/** From so many agents on, those with nothing to remember are looked for. */
const SWEEP_FROM = 1_000;
const SWEEP_EVERY = 256;

interface Handled {
  readonly byCursor: Map<string, PositionRanges>;
  isChanged: boolean;
}

type StoredHandled = Readonly<Record<string, readonly (readonly [number, number])[]>>;

/**
 * Which durable records each agent has handled, so that one that comes again is not handled again.
 * Where there is a store that can, it is kept with the agent's state, in one step.
 */
export class HandledRecords {
  readonly #store: StateStore | undefined;
  readonly #agents = new Map<string, Handled>();
  /** Nothing below comes again, by cursor. */
  readonly #floors = new Map<string, number>();
  #floorsSet = 0;

  constructor(store: StateStore | undefined) {
    this.#store = store;
  }

  /** @throws as the store */
  has(agent: AgentId, cursor: string, position: number): boolean {
    return this.#of(agent).byCursor.get(cursor)?.has(position) === true;
  }

  /** To be called in the turn in which the handler ended, so that no state is stored without it. */
  note(agent: AgentId, cursor: string, position: number): void {
    const handled = this.#of(agent);
    const ranges = handled.byCursor.get(cursor) ?? new PositionRanges();
    // The one that was used last comes last.
    handled.byCursor.delete(cursor);
    handled.byCursor.set(cursor, ranges);
    for (const oldest of handled.byCursor.keys()) {
      if (handled.byCursor.size <= MAX_CURSORS) {
        break;
      }
      handled.byCursor.delete(oldest);
    }
    ranges.remove(0, (this.#floors.get(cursor) ?? 0) - 1);
    ranges.add(position, position);
    handled.isChanged = true;
  }

  /** The text to store, when something was noted since {@link stored}; the note is open again at the next {@link note}. */
  take(agent: AgentId): string | undefined {
    const handled = this.#agents.get(agent.toString());
    if (handled?.isChanged !== true) {
      return undefined;
    }
    handled.isChanged = false;
    const stored = Object.fromEntries(
      Array.from(handled.byCursor, ([cursor, { ranges }]) => [cursor, ranges]),
    ) satisfies StoredHandled;
    return JSON.stringify(stored);
  }

  /** What was taken could not be stored. */
  putBack(agent: AgentId): void {
    this.#of(agent).isChanged = true;
  }

  /** The host has said that nothing below comes again. */
  setFloor(cursor: string, floor: number): void {
    this.#floors.delete(cursor);
    this.#floors.set(cursor, floor);
    this.#floorsSet += 1;
    if (this.#agents.size > SWEEP_FROM && this.#floorsSet % SWEEP_EVERY === 0) {
      this.#sweep();
    }
  }

  #of(agent: AgentId): Handled {
    const key = agent.toString();
    const known = this.#agents.get(key);
    if (known !== undefined) {
      return known;
    }
    const text = this.#store?.loadHandled?.(agent);
    const stored = text === undefined ? {} : (JSON.parse(text) as StoredHandled);
    const byCursor = new Map(
      Object.entries(stored).map(([cursor, ranges]) => [cursor, new PositionRanges(ranges)]),
    );
    const made = { byCursor, isChanged: false };
    this.#agents.set(key, made);
    return made;
  }

  #sweep(): void {
    for (const [key, { byCursor, isChanged }] of this.#agents) {
      for (const [cursor, ranges] of byCursor) {
        ranges.remove(0, (this.#floors.get(cursor) ?? 0) - 1);
      }
      if (!isChanged && [...byCursor.values()].every(({ isEmpty }) => isEmpty)) {
        this.#agents.delete(key);
      }
    }
  }
}
