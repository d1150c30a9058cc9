// Stands for bun:sqlite in the npm package under Node.js, so that all but the SQLite store works.
import { AgentrtError } from "../../src/core/errors.ts";

export class Database {
  constructor() {
    throw new AgentrtError(
      "NEEDS_BUN",
      "The SQLite store needs Bun. Under Node.js, use createMemoryStore(), or a store of your own with the same interface.",
    );
  }
}

export class SQLiteError extends Error {}
