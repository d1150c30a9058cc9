import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { AgentrtError } from "../../core/errors.ts";
import { LogDatabase } from "./log-database.ts";
import { LOG_FILE } from "./log-file-name.ts";
import type { LogParts } from "./log-parts.ts";
import type { Step } from "./log-step.ts";
import { syncPath } from "./sync-path.ts";

const BATCHES_PER_STEP = 500;
/** Small beside the batches: copied in the last step, which makes the copy consistent. */
const OTHER_TABLES = [
  "words",
  "words_copy",
  "seen",
  "producer_uses",
  "damaged",
  "cursors",
  "topics",
  "dead_batches",
  "dead_records",
  "waiting",
  "schedules",
];

/** @throws AgentrtError `FILE_EXISTS` */
export async function backUp(
  parts: LogParts,
  step: Step,
  folder: string,
): Promise<{ readonly bytes: number }> {
  const file = join(folder, LOG_FILE);
  if (existsSync(file)) {
    throw new AgentrtError(
      "FILE_EXISTS",
      `${file} exists. Choose another folder for the backup, or move that file away.`,
      { data: { file } },
    );
  }
  // Written aside and moved, so that half a copy is never taken for one.
  const aside = join(folder, ".backup");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  rmSync(aside, { recursive: true, force: true });
  new LogDatabase(aside)[Symbol.dispose]();
  try {
    await copyInto(parts, step, join(aside, LOG_FILE));
    // What was written ahead is in the file itself when its last user has closed it.
    new LogDatabase(aside)[Symbol.dispose]();
    syncPath(join(aside, LOG_FILE));
    renameSync(join(aside, LOG_FILE), file);
    if (process.platform !== "win32") {
      syncPath(folder);
    }
    return { bytes: statSync(file).size };
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

async function copyInto({ database, tail }: LogParts, step: Step, file: string): Promise<void> {
  await step.plain(() => database.query<unknown, [string]>("ATTACH DATABASE ? AS copy").run(file));
  try {
    let copied = 0;
    const copySome = (): number => {
      const { changes } = database
        .query<unknown, [number, number]>(
          "INSERT INTO copy.batches SELECT * FROM main.batches WHERE position > ? ORDER BY position LIMIT ?",
        )
        .run(copied, BATCHES_PER_STEP);
      const last = database
        .query<{ position: number | null }, []>(
          "SELECT max(position) AS position FROM copy.batches",
        )
        .get();
      copied = last?.position ?? copied;
      return changes;
    };
    while ((await step.transaction(copySome)) === BATCHES_PER_STEP) {
      // What is appended meanwhile is copied as well.
    }
    await step.transaction(() => {
      while (copySome() > 0) {
        // The few that came since, so that batches and cursors are of one moment.
      }
      for (const table of OTHER_TABLES) {
        database.run(`INSERT INTO copy.${table} SELECT * FROM main.${table}`);
      }
      // Not the totals: they are counted anew.
      database.run(
        "INSERT OR REPLACE INTO copy.facts SELECT * FROM main.facts WHERE name IN ('seen_until', 'removed_until')",
      );
      database
        .query<unknown, [number]>("INSERT INTO copy.facts VALUES ('next_position', ?)")
        .run(tail.next);
    });
  } finally {
    database.run("DETACH DATABASE copy");
  }
}
