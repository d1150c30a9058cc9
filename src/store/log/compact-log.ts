import type { Compacted } from "./log-care.ts";
import type { LogParts } from "./log-parts.ts";
import type { Step } from "./log-step.ts";
import { WORD_KINDS } from "./words.ts";

const PAGES_PER_STEP = 500;

/** Gives unused pages back to the disk, from the end of the file, and forgets routes that nothing names any more. */
export async function compactLog({ database, words }: LogParts, step: Step): Promise<Compacted> {
  const bytesBefore = database.bytesOnDisk();
  await step.transaction(() => {
    for (const table of ["words", "words_copy"]) {
      database
        .query<unknown, [number]>(
          `DELETE FROM ${table} WHERE kind = ? AND id NOT IN (
             SELECT route_id FROM batches UNION SELECT route_id FROM dead_batches
             UNION SELECT route_id FROM waiting UNION SELECT route_id FROM schedules)`,
        )
        .run(WORD_KINDS.route);
    }
    words.forget();
  });
  for (
    let unused = database.pragma("freelist_count"), before = 0;
    unused > 0 && unused !== before;
  ) {
    before = unused;
    await step.plain(() => database.query(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`).all());
    unused = database.pragma("freelist_count");
  }
  // The file itself becomes smaller only when what was written ahead is in it.
  await step.plain(() => database.query("PRAGMA wal_checkpoint(TRUNCATE)").all());
  return { bytesBefore, bytesAfter: database.bytesOnDisk() };
}
