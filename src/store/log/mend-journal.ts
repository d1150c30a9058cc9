import { constants, Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { type JournalMending, mendJournal } from "./mended-journal.ts";

/**
 * Mends the write-ahead log that a process has left behind which did not end in order. To be called before the file
 * is opened; see {@link mendJournal}.
 * @param lock takes the file's lock, on a connection of its own
 */
export function mendJournalOf(
  file: string,
  lock: (database: Database) => void,
): JournalMending | undefined {
  const journal = `${file}-wal`;
  if (!existsSync(journal) || mendJournal(readFileSync(journal)) === undefined) {
    return undefined;
  }
  const database = new Database(file, { create: true, strict: true });
  try {
    // Whoever has the lock writes the journal; what was read without it proves nothing.
    lock(database);
    const bytes = readFileSync(journal);
    const mending = mendJournal(bytes);
    if (mending !== undefined) {
      write(journal, bytes);
      // This connection knows the journal as it was, and shall not remove it.
      database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    }
    return mending;
  } finally {
    database.close();
  }
}

/** In place: a crash halfway leaves a journal that can be mended again. */
function write(path: string, bytes: Buffer): void {
  const descriptor = openSync(path, "r+");
  try {
    writeSync(descriptor, bytes, 0, bytes.length, 0);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
