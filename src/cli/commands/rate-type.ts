import { bad, good, type SettingType, show } from "../setting-types.ts";

/** So many messages in so many milliseconds. */
export interface Rate {
  readonly messages: number;
  readonly perMs: number;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const MAX_MESSAGES = 1_000_000;

/** `10/s`, `6/m`, `1/h`; a plain number is a second's. */
export const rateType: SettingType<Rate> = {
  placeholder: "N/s",
  accepts: {
    en: "a number of messages in a time: `10/s`, `6/m`, `1/h`",
    zh: "`10/s`、`6/m`、`1/h`",
  },
  isList: false,
  parse(raw) {
    const parts = typeof raw === "string" ? /^(\d+)(?:\/([smh]))?$/.exec(raw.trim()) : null;
    const messages = Number(parts?.[1]);
    const perMs = UNITS[parts?.[2] ?? "s"];
    return perMs !== undefined && messages >= 1 && messages <= MAX_MESSAGES
      ? good(Object.freeze({ messages, perMs }))
      : bad(`${show(raw)} is not a rate. Write it as 10/s, 6/m or 1/h, up to ${MAX_MESSAGES}.`);
  },
  format({ messages, perMs }) {
    const unit = Object.keys(UNITS).find((name) => UNITS[name] === perMs) ?? "s";
    return `${messages}/${unit}`;
  },
};
