import { BatchTable } from "./batch-table.ts";
import { CandidateFinder } from "./candidate-finder.ts";
import { CursorTable } from "./cursor-table.ts";
import { DamagedTable } from "./damaged-table.ts";
import { type DeadLimits, DeadTable } from "./dead-table.ts";
import type { LogDatabase } from "./log-database.ts";
import { LogReader } from "./log-reader.ts";
import { LogTail } from "./log-tail.ts";
import type { DamagedRange } from "./message-log.ts";
import { ScheduleTable } from "./schedule-table.ts";
import { SeenBatches } from "./seen-batches.ts";
import { TopicTable } from "./topic-table.ts";
import { WaitingTable } from "./waiting-table.ts";
import { Words } from "./words.ts";

export interface LogFileOptions {
  readonly dedupBatchesPerProducer: number;
  readonly dedupProducerAgeMs: number;
  readonly maxFileBytes: number | undefined;
  readonly dead: DeadLimits;
}

/** What a log consists of. */
export interface LogParts {
  readonly database: LogDatabase;
  readonly options: LogFileOptions;
  readonly words: Words;
  readonly tail: LogTail;
  readonly seen: SeenBatches;
  readonly batches: BatchTable;
  readonly damaged: DamagedTable;
  readonly finder: CandidateFinder;
  readonly reader: LogReader;
  readonly cursors: CursorTable;
  readonly topics: TopicTable;
  readonly dead: DeadTable;
  readonly waiting: WaitingTable;
  readonly schedules: ScheduleTable;
  /** The time of the call that runs, by its caller's clock. */
  readonly now: () => number;
}

export function makeParts(
  database: LogDatabase,
  options: LogFileOptions,
  report: (range: DamagedRange) => void,
  now: () => number,
): LogParts {
  const words = new Words(database);
  const tail = new LogTail(database);
  const seen = new SeenBatches(database, tail, options.dedupBatchesPerProducer);
  const batches = new BatchTable(database, tail, words);
  const damaged = new DamagedTable(database, report);
  const finder = new CandidateFinder(database, tail, damaged);
  return {
    database,
    options,
    words,
    tail,
    seen,
    batches,
    damaged,
    finder,
    reader: new LogReader({ database, batches, tail, damaged, finder, now }),
    cursors: new CursorTable(database),
    topics: new TopicTable(database),
    dead: new DeadTable(database, batches, words, options.dead),
    waiting: new WaitingTable(database, batches, seen, damaged),
    schedules: new ScheduleTable(database, batches),
    now,
  };
}

/** Of the oldest batch that is there, or the next position. */
export function oldestOf({ database, tail }: LogParts): number {
  const row = database
    .query<{ position: number | null }, []>("SELECT min(position) AS position FROM batches")
    .get();
  return row?.position ?? tail.next;
}
