import { AgentrtError } from "../../core/errors.ts";
import type { TopicPattern } from "../../core/topic-pattern.ts";
import type { LogDatabase } from "./log-database.ts";
import type { TopicDeclaration } from "./topic-declaration.ts";

/** What is declared for topics. Called inside transactions where it writes. */
export class TopicTable {
  readonly #database: LogDatabase;

  constructor(database: LogDatabase) {
    this.#database = database;
  }

  put(declaration: TopicDeclaration): void {
    const { retention, maxDeliver, timeToLiveMs, pattern } = declaration;
    for (const limit of [
      retention.maxAgeMs,
      retention.maxBytes,
      retention.maxRecords,
      maxDeliver,
      timeToLiveMs,
    ]) {
      if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
        throw new AgentrtError(
          "INVALID_OPTION",
          `A limit of topic "${pattern.text}" is ${limit}. Give a whole number from 1, or none.`,
          { data: { topic: pattern.text } },
        );
      }
    }
    this.#database
      .query<unknown, [string, string, string]>(
        "INSERT OR REPLACE INTO topics (kind, text, declaration) VALUES (?, ?, ?)",
      )
      .run(pattern.kind, pattern.text, JSON.stringify(declaration));
  }

  list(): readonly TopicDeclaration[] {
    return this.#database
      .query<{ declaration: string }, []>("SELECT declaration FROM topics ORDER BY kind, text")
      .all()
      .map(({ declaration }) => decode(JSON.parse(declaration) as Stored<TopicDeclaration>));
  }

  remove({ kind, text }: TopicPattern): boolean {
    return (
      this.#database
        .query<unknown, [string, string]>("DELETE FROM topics WHERE kind = ? AND text = ?")
        .run(kind, text).changes > 0
    );
  }
}

/** JSON leaves out what is undefined. */
type Stored<T> = Omit<Partial<T>, "pattern" | "retention"> & {
  readonly pattern: TopicPattern;
  readonly retention?: Partial<TopicDeclaration["retention"]>;
};

function decode(stored: Stored<TopicDeclaration>): TopicDeclaration {
  return {
    pattern: stored.pattern,
    isDurable: stored.isDurable ?? false,
    retention: {
      maxAgeMs: stored.retention?.maxAgeMs,
      maxRecords: stored.retention?.maxRecords,
      maxBytes: stored.retention?.maxBytes,
    },
    maxDeliver: stored.maxDeliver,
    timeToLiveMs: stored.timeToLiveMs,
    settingsJson: stored.settingsJson,
  };
}
