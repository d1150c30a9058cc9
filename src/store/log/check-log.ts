import { messageOf } from "../../core/errors.ts";
import type { CheckReport } from "./log-care.ts";
import { isDamage } from "./log-errors.ts";
import type { LogParts } from "./log-parts.ts";
import type { Step } from "./log-step.ts";

const BATCHES_PER_STEP = 256;
const BYTES_PER_STEP = 8 * 1_048_576;
/** Faults of the file that are listed. */
const MAX_FAULTS = 100;
const EVERYTHING = [{ kind: "prefix", text: "" }] as const;

/** Reads a log from end to end. Damaged indexes are built anew from what they index. */
export async function checkLog(parts: LogParts, step: Step): Promise<CheckReport> {
  const { reader, damaged, database } = parts;
  let batches = 0;
  let records = 0;
  for (let from = 1, isAtEnd = false; !isAtEnd; ) {
    const start = from;
    const read = await step.plain(() =>
      reader.read({
        patterns: EVERYTHING,
        from: start,
        maxBatches: BATCHES_PER_STEP,
        maxBytes: BYTES_PER_STEP,
      }),
    );
    batches += read.batches.length;
    records += read.batches.reduce((sum, { count }) => sum + count, 0);
    from = read.next;
    isAtEnd = read.isAtEnd;
  }
  const structure = await step.plain(() => faultsOf(parts));
  let isMended = false;
  if (structure.length > 0) {
    isMended = await step.plain(() => {
      try {
        database.run("REINDEX");
      } catch (error) {
        if (!isDamage(error)) {
          throw error;
        }
        // The tables themselves are damaged: nothing can be built from them, and the faults stay reported.
        return false;
      }
      return faultsOf(parts).length === 0;
    });
  }
  const set = damaged.list(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  return {
    structure,
    isMended,
    batches,
    records,
    damaged: set,
    isSound: set.length === 0 && (structure.length === 0 || isMended),
  };
}

function faultsOf({ database }: LogParts): readonly string[] {
  try {
    return database
      .query<{ integrity_check: string }, []>(`PRAGMA integrity_check(${MAX_FAULTS})`)
      .all()
      .map(({ integrity_check }) => integrity_check)
      .filter((text) => text !== "ok");
  } catch (error) {
    if (!isDamage(error)) {
      throw error;
    }
    return [messageOf(error)];
  }
}
