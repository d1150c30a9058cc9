import { Database, type SQLQueryBindings } from "bun:sqlite";
import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AgentrtError } from "../../core/errors.ts";
import { guard, mayBeWritten } from "./log-errors.ts";
import { LOG_FILE } from "./log-file-name.ts";
import { mendJournalOf } from "./mend-journal.ts";
import type { JournalMending } from "./mended-journal.ts";
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";
import { syncPath } from "./sync-path.ts";

/** A prepared statement; SQLite keeps it for the next time that the same text is asked for. */
type Query<Row, Values extends SQLQueryBindings[]> = ReturnType<
  typeof Database.prototype.query<Row, Values>
>;

/** A host that was just ended may still hold the lock for a moment, in milliseconds. */
const LOCK_TIMEOUT_MS = 500;
/** Bytes at which the write-ahead log is cut back after a long transaction. */
const JOURNAL_LIMIT_BYTES = 67_108_864;
/** Of pages in memory: what is appended is read soon. In KiB, as SQLite wants it. */
const CACHE_KIB = 16_384;

/**
 * The file of a message log, open and locked.
 *
 * The lock is SQLite's own in exclusive mode: the system frees it when the process ends, however it ends, and the
 * index of the write-ahead log needs no shared memory.
 */
export class LogDatabase implements Disposable {
  readonly folder: string;
  readonly file: string;
  /** What had to be done so that it could be read to its end. */
  readonly mending: JournalMending | undefined;
  readonly #database: Database;
  /**
   * The write-ahead log ends with what may not be on disk, or may be there though it was refused. The next sync does not
   * mend that: the system forgets what it failed to write.
   */
  #isEndUnsure: boolean;

  /**
   * @throws AgentrtError `STORE_LOCKED`, `STORE_NEWER`, `STORE_READ_ONLY`, `STORE_UNUSABLE`, `STORE_DAMAGED`, `STORE_FULL`
   */
  constructor(folder: string, maxFileBytes?: number) {
    this.folder = folder;
    this.file = join(folder, LOG_FILE);
    // Left by a process that did not end in order: perhaps its last sync failed.
    this.#isEndUnsure = existsSync(`${this.file}-wal`);
    this.mending = guard(folder, () => mendJournalOf(this.file, lock));
    this.#database = guard(folder, () => open(folder, this.file, maxFileBytes));
  }

  query<Row, Values extends SQLQueryBindings[]>(sql: string): Query<Row, Values> {
    return this.#database.query<Row, Values>(sql);
  }

  run(sql: string): void {
    this.#database.run(sql);
  }

  /**
   * All of the steps or none. Returns only when they are on disk. When a sync fails, the next start may find them all
   * the same, but then nothing that came later: until the disk has taken a sync again, nothing more is written.
   */
  transaction<R>(steps: () => R): R {
    this.#settleEnd();
    try {
      return this.#database.transaction(steps).immediate();
    } catch (error) {
      this.#isEndUnsure ||= mayBeWritten(error);
      throw error;
    }
  }

  /** Inside a transaction: all of the steps or none, and the transaction goes on. */
  savepoint<R>(steps: () => R): R {
    return this.#database.transaction(steps)();
  }

  /** The value of a pragma that gives a number. */
  pragma(name: string): number {
    return numberOf(this.#database, name);
  }

  bytesOnDisk(): number {
    const sizes = [this.file, `${this.file}-wal`].map((file) =>
      existsSync(file) ? statSync(file).size : 0,
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** Takes what is committed into the file, and with the emptied write-ahead log goes what was refused. */
  #settleEnd(): void {
    // Inside of another transaction, that one has begun so.
    if (this.#isEndUnsure && !this.#database.inTransaction) {
      // With an exclusive lock nobody else reads, so it does all of it or fails.
      this.#database.run("PRAGMA main.wal_checkpoint(TRUNCATE)");
      this.#isEndUnsure = false;
    }
  }
}

function open(folder: string, file: string, maxFileBytes: number | undefined): Database {
  makeFolder(folder);
  // SQLite would open what it cannot write, and fail at the first message.
  accessSync(folder, constants.W_OK);
  if (existsSync(file)) {
    accessSync(file, constants.W_OK);
  }
  const database = new Database(file, { create: true, strict: true });
  try {
    lock(database);
    const version = versionOf(folder, database);
    if (version === 0) {
      // Only before the first table. What retention frees can then be given back in small steps.
      database.run("PRAGMA auto_vacuum = INCREMENTAL");
    }
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.run("PRAGMA cell_size_check = ON");
    database.run(`PRAGMA journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
    database.run(`PRAGMA cache_size = -${CACHE_KIB}`);
    migrate(database, version);
    limit(database, maxFileBytes);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Until the connection is closed. */
function lock(database: Database): void {
  database.run(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`);
  database.run("PRAGMA locking_mode = EXCLUSIVE");
  // Nothing is locked before something is read.
  numberOf(database, "user_version");
}

/** Made, it is there after a power loss too: a new folder is only as durable as the one that names it. */
function makeFolder(folder: string): void {
  const path = resolve(folder);
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  // Windows has no handle of a folder to sync.
  if (made === undefined || process.platform === "win32") {
    return;
  }
  for (let inner = path; inner.length >= made.length; inner = dirname(inner)) {
    syncPath(dirname(inner));
  }
}

function versionOf(folder: string, database: Database): number {
  const version = numberOf(database, "user_version");
  const application = numberOf(database, "application_id");
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0)) {
    throw new AgentrtError(
      "STORE_DAMAGED",
      `${join(folder, LOG_FILE)} is no message log of agentrt. Move it away, or use another folder with --data.`,
      { data: { folder } },
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new AgentrtError(
      "STORE_NEWER",
      `The message log in ${folder} was written by a newer agentrt (format ${version}, this one knows ${SCHEMA_VERSION}). Use that version, or another folder with --data.`,
      { data: { folder, version } },
    );
  }
  return version;
}

/**
 * A name of its own for each log, which a backup does not take along: once both are used, one position means two
 * records.
 */
const NAME_LOG =
  "INSERT OR IGNORE INTO facts VALUES ('identity', abs(random() % 9007199254740991))";

function migrate(database: Database, from: number): void {
  if (from === SCHEMA_VERSION) {
    // Takes the lock: a host that only listens would else be noticed by its first message.
    database
      .transaction(() => {
        database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
        database.run(NAME_LOG);
      })
      .exclusive();
    return;
  }
  database
    .transaction(() => {
      for (const step of MIGRATIONS.slice(from)) {
        database.run(step);
      }
      database.run(NAME_LOG);
      database.run(`PRAGMA application_id = ${APPLICATION_ID}`);
      database.run(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    })
    .exclusive();
}

function limit(database: Database, maxFileBytes: number | undefined): void {
  if (maxFileBytes !== undefined) {
    const pages = Math.ceil(maxFileBytes / numberOf(database, "page_size"));
    database.run(`PRAGMA max_page_count = ${pages}`);
  }
}

function numberOf(database: Database, pragma: string): number {
  const row = database.query<Record<string, number>, []>(`PRAGMA ${pragma}`).get();
  return Object.values(row ?? {})[0] ?? 0;
}
