import { durationType } from "../quantity-types.ts";
import { bad, good, type SettingType, show } from "../setting-types.ts";

/** Where stored messages are shown from. */
export type ReplayStart =
  | { readonly kind: "position"; readonly position: number }
  | { readonly kind: "time"; readonly timeMs: number }
  /** So long before now. */
  | { readonly kind: "ago"; readonly ms: number };

const AGO = durationType({ min: 1, max: 100 * 365 * 86_400_000 });
/** A date, or a date and a time; without a zone it is local. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;
const HINT =
  "Write a position such as 1, a time such as 2026-01-31T08:00:00, or how long ago, as 10m.";

/** `--from`: a position in the log, a time, or a time ago. */
export const fromType: SettingType<ReplayStart> = {
  placeholder: "SEQUENCE|TIME",
  accepts: {
    en: "a position from 1, a time in ISO 8601, or how long ago, such as `10m`",
    zh: "位置（从 1 起）、ISO 8601 时间，或多久以前，如 `10m`",
  },
  isList: false,
  parse(raw) {
    const text = typeof raw === "string" ? raw.trim() : String(raw);
    if (/^\d+$/.test(text)) {
      const position = Number(text);
      return Number.isSafeInteger(position) && position >= 1
        ? good({ kind: "position", position })
        : bad(`${show(raw)} is no position. ${HINT}`);
    }
    if (MOMENT.test(text)) {
      // A date alone would be read as UTC, and one with a time as local.
      const timeMs = Date.parse(text.length === "2026-01-31".length ? `${text}T00:00:00` : text);
      return Number.isNaN(timeMs) || timeMs < 0
        ? bad(`${show(raw)} is no time. ${HINT}`)
        : good({ kind: "time", timeMs });
    }
    const ago = AGO.parse(text);
    return ago.ok
      ? good({ kind: "ago", ms: ago.value })
      : bad(`${show(raw)} is no beginning. ${HINT}`);
  },
  format: (start) => {
    switch (start.kind) {
      case "position":
        return String(start.position);
      case "time":
        return new Date(start.timeMs).toISOString();
      case "ago":
        return AGO.format(start.ms);
      default:
        return start satisfies never;
    }
  },
};
