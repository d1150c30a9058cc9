/** Raised when tables change: then a step is added that leads there from the version before. */
export const SCHEMA_VERSION = 2;

/** Marks the file as a message log of agentrt ("agrl"). */
export const APPLICATION_ID = 0x6167726c;

/**
 * `MIGRATIONS[n]` makes version n + 1 out of version n; version 0 is an empty file. Never changed, only added to:
 * files of each version are kept under test/corpus.
 *
 * - `words` interns routes and producers, because most batches repeat one. A flipped bit there would cost all their
 *   batches, so there is a copy on other pages, and each row has its seal.
 * - `batches` is filled at its end alone, and read along its key. A row's seal covers all its columns but the
 *   records, which have the publisher's checksum. `previous` is the position of the batch before of the same topic
 *   type: a row that `batches_by_type` has lost is found by it.
 * - `seen` is what recognises a batch that comes again. It outlives the batch. It holds what came before the fact
 *   `seen_until`; the rest is in `batches`.
 * - `dead_batches`, `waiting` and `schedules` hold rows like those of `batches`; of the latter two `stored_at` is when
 *   they are due, and they have no position yet.
 * - `type_totals` holds as of the fact `totals_until`; later batches are added when the file is opened.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE words (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    content BLOB NOT NULL,
    seal INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX words_by_content ON words (kind, content);
  CREATE TABLE words_copy (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    content BLOB NOT NULL,
    seal INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE batches (
    position INTEGER PRIMARY KEY,
    type_id INTEGER NOT NULL,
    route_id INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    expires_at INTEGER,
    encoding INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    records BLOB NOT NULL
  ) STRICT;
  CREATE INDEX batches_by_type ON batches (type_id);
  CREATE TABLE seen (
    producer_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (producer_id, sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE type_totals (
    type_id INTEGER PRIMARY KEY,
    batches INTEGER NOT NULL,
    records INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    newest INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE damaged (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    topic_type TEXT,
    reason TEXT NOT NULL,
    found_at INTEGER NOT NULL,
    records BLOB
  ) STRICT;
  CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    patterns TEXT NOT NULL,
    state TEXT NOT NULL,
    seal INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE topics (
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    declaration TEXT NOT NULL,
    PRIMARY KEY (kind, text)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE dead_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cursor TEXT NOT NULL,
    position INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    topic_type TEXT NOT NULL,
    topic_source TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    last_error TEXT NOT NULL,
    attempts INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX dead_by_batch ON dead_records (batch);
  CREATE TABLE dead_batches (
    position INTEGER PRIMARY KEY,
    type_id INTEGER NOT NULL,
    route_id INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    expires_at INTEGER,
    encoding INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    records BLOB NOT NULL
  ) STRICT;
  CREATE TABLE waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    position INTEGER NOT NULL,
    type_id INTEGER NOT NULL,
    route_id INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    expires_at INTEGER,
    encoding INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    records BLOB NOT NULL
  ) STRICT;
  CREATE INDEX waiting_by_time ON waiting (stored_at);
  CREATE TABLE schedules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    pattern TEXT NOT NULL,
    position INTEGER NOT NULL,
    type_id INTEGER NOT NULL,
    route_id INTEGER NOT NULL,
    producer_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    expires_at INTEGER,
    encoding INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    records BLOB NOT NULL
  ) STRICT;
  CREATE TABLE producer_uses (
    producer_id INTEGER PRIMARY KEY,
    last_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO producer_uses SELECT DISTINCT producer_id, unixepoch() * 1000 FROM seen;
  INSERT INTO facts SELECT 'seen_until', ifnull(max(position + count), 1) FROM batches;
  `,
];
