// @ts-check
// Numbers, sizes and times as people read them. Runs in the browser; touches no document.

/** Puts values into a text: `{name}` becomes the value of that name. */
export function fill(/** @type {string} */ text, /** @type {Record<string, string>} */ values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** @param {string} lang a BCP 47 tag */
export function createFormat(lang) {
  const whole = new Intl.NumberFormat(lang, { maximumFractionDigits: 0 });
  const short = new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 1 });
  const tenth = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: "always", style: "narrow" });
  const moment = new Intl.DateTimeFormat(lang, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });

  /** @type {(value: number, unit: string) => string} */
  const inUnit = (value, unit) =>
    new Intl.NumberFormat(lang, {
      style: "unit",
      unit,
      unitDisplay: "narrow",
      maximumFractionDigits: 0,
    }).format(value);

  return {
    /** Exact, with separators. */
    whole: (/** @type {number} */ value) => whole.format(value),

    /** Exact up to six digits, then rounded as in 1.2M. */
    count: (/** @type {number} */ value) =>
      value < 1_000_000 ? whole.format(value) : short.format(value),

    /** A rate: one decimal while it is small. */
    rate: (/** @type {number} */ value) =>
      value < 100
        ? tenth.format(value)
        : value < 1_000_000
          ? whole.format(value)
          : short.format(value),

    bytes(/** @type {number} */ value) {
      const units = ["B", "KiB", "MiB", "GiB", "TiB"];
      let amount = value;
      let step = 0;
      while (amount >= 1024 && step < units.length - 1) {
        amount /= 1024;
        step += 1;
      }
      return `${step === 0 ? whole.format(amount) : tenth.format(amount)} ${units[step]}`;
    },

    /** The two largest units of a time span in seconds. */
    span(/** @type {number} */ seconds) {
      const days = Math.floor(seconds / 86_400);
      const hours = Math.floor(seconds / 3_600) % 24;
      const minutes = Math.floor(seconds / 60) % 60;
      if (days > 0) {
        return `${inUnit(days, "day")} ${inUnit(hours, "hour")}`;
      }
      if (hours > 0) {
        return `${inUnit(hours, "hour")} ${inUnit(minutes, "minute")}`;
      }
      return minutes > 0
        ? `${inUnit(minutes, "minute")} ${inUnit(Math.floor(seconds) % 60, "second")}`
        : inUnit(Math.floor(seconds), "second");
    },

    /** "12s ago", both times in milliseconds. */
    ago(/** @type {number} */ then, /** @type {number} */ now) {
      const seconds = Math.max(0, Math.round((now - then) / 1_000));
      if (seconds < 60) {
        return relative.format(-seconds, "second");
      }
      if (seconds < 3_600) {
        return relative.format(-Math.floor(seconds / 60), "minute");
      }
      return seconds < 86_400
        ? relative.format(-Math.floor(seconds / 3_600), "hour")
        : relative.format(-Math.floor(seconds / 86_400), "day");
    },

    moment: (/** @type {number} */ then) => moment.format(then),
  };
}
