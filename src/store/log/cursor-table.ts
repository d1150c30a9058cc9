import type { CursorState } from "../../core/cursor-state.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { LogDatabase } from "./log-database.ts";
import type { CursorUpdate, StoredCursor } from "./message-log.ts";
import { sealOf } from "./seal.ts";

interface CursorRow {
  readonly name: string;
  readonly patterns: string;
  readonly state: string;
  readonly seal: number;
}

/** What every durable subscription has had. Called inside transactions where it writes. */
export class CursorTable {
  readonly #database: LogDatabase;

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  /** @param oldest where a cursor goes on whose state cannot be read: twice is better than never */
  get(name: string, oldest: number): StoredCursor | undefined {
    const row = this.#database
      .query<CursorRow, [string]>("SELECT * FROM cursors WHERE name = ?")
      .get(name);
    return row === null ? undefined : decode(row, oldest);
  }

  list(oldest: number): readonly StoredCursor[] {
    return this.#database
      .query<CursorRow, []>("SELECT * FROM cursors ORDER BY name")
      .all()
      .map((row) => decode(row, oldest));
  }

  put(name: string, patterns: readonly TopicPattern[], state: CursorState): void {
    const row = encode(name, JSON.stringify(patterns), state);
    this.#database
      .query<unknown, [string, string, string, number]>(
        "INSERT OR REPLACE INTO cursors (name, patterns, state, seal) VALUES (?, ?, ?, ?)",
      )
      .run(row.name, row.patterns, row.state, row.seal);
  }

  /** Nothing when there is no such cursor. */
  update({ name, state }: CursorUpdate): void {
    const known = this.#database
      .query<{ patterns: string }, [string]>("SELECT patterns FROM cursors WHERE name = ?")
      .get(name);
    if (known !== null) {
      const row = encode(name, known.patterns, state);
      this.#database
        .query<unknown, [string, number, string]>(
          "UPDATE cursors SET state = ?, seal = ? WHERE name = ?",
        )
        .run(row.state, row.seal, name);
    }
  }

  remove(name: string): boolean {
    const { changes } = this.#database
      .query<unknown, [string]>("DELETE FROM cursors WHERE name = ?")
      .run(name);
    return changes > 0;
  }
}

function encode(name: string, patterns: string, { floor, done, attempts }: CursorState): CursorRow {
  const state = JSON.stringify([
    floor,
    done,
    attempts.map((a) => [a.position, a.attempts, a.nextAtMs, a.lastError, a.losses]),
  ]);
  return { name, patterns, state, seal: sealOf(name, patterns, state) };
}

function decode(row: CursorRow, oldest: number): StoredCursor {
  const { name, patterns, state, seal } = row;
  if (seal !== sealOf(name, patterns, state)) {
    return {
      name,
      patterns: patternsOf(patterns),
      state: { floor: oldest, done: [], attempts: [] },
      wasDamaged: true,
    };
  }
  const [floor, done, attempts] = JSON.parse(state) as [
    number,
    [number, number][],
    [number, number, number, string, number?][],
  ];
  return {
    name,
    patterns: JSON.parse(patterns) as TopicPattern[],
    state: {
      floor,
      done,
      attempts: attempts.map(([position, count, nextAtMs, lastError, losses = 0]) => ({
        position,
        attempts: count,
        losses,
        nextAtMs,
        lastError,
      })),
    },
    wasDamaged: false,
  };
}

/** Of a damaged row: none when they are no JSON; whoever opens the cursor names them anyway. */
function patternsOf(text: string): readonly TopicPattern[] {
  try {
    const patterns: unknown = JSON.parse(text);
    return Array.isArray(patterns) ? (patterns as TopicPattern[]) : [];
  } catch (error) {
    if (error instanceof SyntaxError) {
      return [];
    }
    throw error;
  }
}
