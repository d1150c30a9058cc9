import { Cron } from "croner";
import { AgentrtError, messageOf } from "./errors.ts";

/** The times of a schedule: those of a cron pattern, or one each so many milliseconds. */
export type Recurrence =
  | {
      readonly kind: "cron";
      /** Five fields, or six with seconds first. */
      readonly pattern: string;
      /** Such as `Europe/Berlin`; undefined is that of whoever computes the times. */
      readonly timeZone: string | undefined;
    }
  | { readonly kind: "every"; readonly everyMs: number };

/** No schedule comes more often. */
export const MIN_EVERY_MS = 1_000;
/** A hundred years. */
export const MAX_EVERY_MS = 100 * 365 * 86_400_000;

/**
 * The first time of a schedule that comes after `nowMs`, in milliseconds since 1970; undefined when none does.
 * @param anchorMs one of the times, or when the schedule was made: an interval counts from there, so that it does
 *   not drift
 * @throws AgentrtError `INVALID_OPTION` when there are no such times
 */
export function nextTimeOf(
  recurrence: Recurrence,
  nowMs: number,
  anchorMs: number,
): number | undefined {
  if (recurrence.kind === "every") {
    const { everyMs } = recurrence;
    if (!Number.isSafeInteger(everyMs) || everyMs < MIN_EVERY_MS || everyMs > MAX_EVERY_MS) {
      throw invalid(
        `A schedule cannot come every ${everyMs} ms. Give whole milliseconds, ${MIN_EVERY_MS} or more.`,
      );
    }
    return anchorMs + everyMs * Math.max(1, Math.floor((nowMs - anchorMs) / everyMs) + 1);
  }
  const { pattern, timeZone } = recurrence;
  try {
    const cron = new Cron(pattern, timeZone === undefined ? {} : { timezone: timeZone });
    return cron.nextRun(new Date(nowMs))?.getTime();
  } catch (error) {
    const zone = timeZone === undefined ? "" : ` in ${timeZone}`;
    throw invalid(
      `The schedule "${pattern}"${zone} cannot be read: ${messageOf(error)} Write five or six fields, such as "*/5 * * * *", and a time zone such as Europe/Berlin.`,
    );
  }
}

function invalid(message: string): AgentrtError {
  return new AgentrtError("INVALID_OPTION", message, { data: { option: "schedule" } });
}
