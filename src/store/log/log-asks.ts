import { applyRetention } from "./apply-retention.ts";
import { backUp } from "./back-up.ts";
import { checkLog } from "./check-log.ts";
import { compactLog } from "./compact-log.ts";
import type { AskCalls } from "./log-calls.ts";
import { type LogParts, oldestOf } from "./log-parts.ts";
import type { Step } from "./log-step.ts";
import type { LogFacts } from "./message-log.ts";

/** The calls that read a log or take long. Those that write do so by `step`. */
export function makeAsks(parts: LogParts, step: Step): AskCalls {
  const { reader, damaged, cursors, topics, dead, schedules } = parts;
  return {
    read: (request) => reader.read(request),
    positionAt: ({ timeMs }) => reader.positionAt(timeMs),
    listDamaged: ({ limit }) =>
      damaged.list(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, limit),
    listCursors: () => cursors.list(oldestOf(parts)),
    listTopics: () => topics.list(),
    listDead: (request) => dead.list(request),
    showDead: ({ id }) => dead.get(id),
    listSchedules: () => schedules.list(),
    facts: () => factsOf(parts),
    applyRetention: () => applyRetention(parts, step),
    check: () => checkLog(parts, step),
    backup: ({ folder }) => backUp(parts, step, folder),
    compact: () => compactLog(parts, step),
  };
}

function factsOf(parts: LogParts): LogFacts {
  let batches = 0;
  let records = 0;
  let recordBytes = 0;
  for (const totals of parts.tail.totals.values()) {
    batches += totals.batches;
    records += totals.records;
    recordBytes += totals.bytes;
  }
  return {
    identity: identityOf(parts),
    nextPosition: parts.tail.next,
    firstPosition: oldestOf(parts),
    batches,
    records,
    recordBytes,
    damagedRanges: parts.damaged.size,
    deadRecords: parts.dead.totals.records,
    deadBytes: parts.dead.totals.bytes,
    deadDropped: parts.dead.dropped,
    bytesOnDisk: parts.database.bytesOnDisk(),
  };
}

function identityOf({ database }: LogParts): number {
  const row = database
    .query<{ value: number }, []>("SELECT value FROM facts WHERE name = 'identity'")
    .get();
  return row?.value ?? 0;
}
