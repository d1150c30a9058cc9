import { Database, SQLiteError } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import type { Store } from "../core/state-store.ts";
import { MAX_DEAD_LETTERS } from "./memory-store.ts";

const FILE = "agentrt.sqlite";
/** Raised when tables change; an older file is migrated, a newer one refused. */
const SCHEMA_VERSION = 1;
// A table more is no new version: an older agentrt leaves it alone.
/** How long to wait for another process of the same folder, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS agent_states (
    agent_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    saved_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS handled_records (
    agent_id TEXT PRIMARY KEY,
    handled TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS dead_letters (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    letter TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * A store in a folder, made if need be; several processes of one machine may share it.
 * Close it by its `Symbol.dispose`.
 * @throws AgentrtError `STORE_UNUSABLE` (no permission, no folder, newer version), `STORE_DAMAGED`, `STORE_FULL`
 */
export function openSqliteStore(folder: string): Store {
  const database = guard(folder, () => open(folder));
  const select = database.query<{ state: string }, [string]>(
    "SELECT state FROM agent_states WHERE agent_id = ?",
  );
  const upsert = database.query<unknown, [string, string, string]>(
    `INSERT INTO agent_states (agent_id, state, saved_at) VALUES (?, ?, ?)
     ON CONFLICT (agent_id) DO UPDATE SET state = excluded.state, saved_at = excluded.saved_at`,
  );
  const selectHandled = database.query<{ handled: string }, [string]>(
    "SELECT handled FROM handled_records WHERE agent_id = ?",
  );
  const upsertHandled = database.query<unknown, [string, string]>(
    "INSERT OR REPLACE INTO handled_records (agent_id, handled) VALUES (?, ?)",
  );
  const saveBoth = database.transaction(
    (id: string, handledJson: string, stateJson: string | undefined) => {
      upsertHandled.run(id, handledJson);
      if (stateJson !== undefined) {
        upsert.run(id, stateJson, new Date().toISOString());
      }
    },
  );
  const insertLetter = database.query<unknown, [string]>(
    "INSERT INTO dead_letters (letter) VALUES (?)",
  );
  const trimLetters = database.query<unknown, [number]>(
    `DELETE FROM dead_letters
     WHERE sequence <= (SELECT max(sequence) FROM dead_letters) - ?`,
  );
  const selectLetters = database.query<{ letter: string }, [number]>(
    "SELECT letter FROM dead_letters ORDER BY sequence DESC LIMIT ?",
  );
  const addLetters = database.transaction((letters: readonly DeadLetter[]) => {
    for (const letter of letters) {
      insertLetter.run(JSON.stringify(letter));
    }
    trimLetters.run(MAX_DEAD_LETTERS);
  });
  return {
    loadState: (id: AgentId) => guard(folder, () => select.get(String(id))?.state),
    saveState: (id: AgentId, stateJson: string) => {
      guard(folder, () => upsert.run(String(id), stateJson, new Date().toISOString()));
    },
    loadHandled: (id: AgentId) => guard(folder, () => selectHandled.get(String(id))?.handled),
    saveHandled: (id: AgentId, handledJson: string, stateJson: string | undefined) => {
      guard(folder, () => saveBoth.immediate(String(id), handledJson, stateJson));
    },
    addDeadLetters: (letters) => guard(folder, () => addLetters.immediate(letters)),
    listDeadLetters: (limit) =>
      guard(folder, () =>
        selectLetters.all(limit).map(({ letter }) => JSON.parse(letter) as DeadLetter),
      ),
    [Symbol.dispose]: () => database.close(),
  };
}

function open(folder: string): Database {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const database = new Database(join(folder, FILE), { create: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    assertVersion(folder, database);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.transaction(() => database.run(SCHEMA)).immediate();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function assertVersion(folder: string, database: Database): void {
  const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
  const version = row?.user_version ?? 0;
  if (version > SCHEMA_VERSION) {
    throw new AgentrtError(
      "STORE_UNUSABLE",
      `The data folder ${folder} was written by a newer agentrt (format ${version}, this one knows ${SCHEMA_VERSION}). Use that version, or another folder with --data.`,
      { data: { folder, version } },
    );
  }
}

/** Runs a step on the store, and turns what the system throws into an error that says what to do. */
function guard<R>(folder: string, step: () => R): R {
  try {
    return step();
  } catch (error) {
    throw error instanceof AgentrtError ? error : translate(folder, error);
  }
}

function translate(folder: string, error: unknown): AgentrtError {
  const code = error instanceof SQLiteError ? (error.code ?? "") : systemCodeOf(error);
  const options = { cause: error, data: { folder } };
  if (code.startsWith("SQLITE_FULL") || code === "ENOSPC" || code === "EDQUOT") {
    return new AgentrtError(
      "STORE_FULL",
      `The data folder ${folder} has no room left. Free some space; nothing stored is lost.`,
      options,
    );
  }
  const isDamaged = code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
  // Rows hold JSON that this store wrote; what does not parse was changed since.
  if (isDamaged || error instanceof SyntaxError) {
    return new AgentrtError(
      "STORE_DAMAGED",
      `The data in ${join(folder, FILE)} cannot be read: ${messageOf(error)}. Move the file away to start with an empty one.`,
      options,
    );
  }
  return new AgentrtError(
    "STORE_UNUSABLE",
    `The data folder ${folder} cannot be used: ${messageOf(error)}. Check that it exists and may be written, or choose another with --data DIR or --data none.`,
    options,
  );
}

function systemCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
