import { bad, good, type Parsed, type SettingType, show } from "./setting-types.ts";

interface Range {
  readonly min: number;
  readonly max: number;
}

/** A plain number; with `isInteger` a whole one. */
export function numberType(
  options: Range & { isInteger: boolean; unit?: string },
): SettingType<number> {
  const { min, max, isInteger, unit = "" } = options;
  const kind = isInteger ? "a whole number" : "a number";
  const range = `from ${min} to ${max}${unit}`;
  return {
    placeholder: "N",
    accepts: {
      en: `${kind} ${range}`,
      zh: `${isInteger ? "整数" : "数"}，${min} 至 ${max}${unit}`,
    },
    isList: false,
    parse(raw) {
      const value = typeof raw === "number" ? raw : numberOf(raw);
      return value === undefined || (isInteger && !Number.isSafeInteger(value))
        ? bad(`${show(raw)} is not ${kind}. Give one ${range}.`)
        : inRange(value, show(raw), options, (bound) => `${bound}${unit}`);
    },
    format: String,
  };
}

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** A time with its unit, as milliseconds. Bounds in milliseconds. */
export function durationType(range: Range): SettingType<number> {
  const bounds = `${formatDuration(range.min)} to ${formatDuration(range.max)}`;
  return {
    placeholder: "TIME",
    accepts: {
      en: `a time such as \`250ms\`, \`5s\`, \`2m\`, \`1h\`; ${bounds}`,
      zh: `时间，如 \`250ms\`、\`5s\`、\`2m\`、\`1h\`；${formatDuration(range.min)} 至 ${formatDuration(range.max)}`,
    },
    isList: false,
    parse(raw) {
      const parts =
        typeof raw === "string" ? /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(raw.trim()) : null;
      const factor = factorOf(parts?.[2], DURATION_UNITS);
      const milliseconds = Math.round(Number(parts?.[1]) * (factor ?? Number.NaN));
      return Number.isFinite(milliseconds)
        ? inRange(milliseconds, show(raw), range, formatDuration)
        : bad(`${show(raw)} is not a time with a unit. Write it as 250ms, 5s, 2m or 1h.`);
    },
    format: formatDuration,
  };
}

const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["GB", 1e9],
  ["MB", 1e6],
  ["KB", 1e3],
  ["B", 1],
];

/** A number of bytes, with a unit or plain. Bounds in bytes. */
export function sizeType(range: Range): SettingType<number> {
  return {
    placeholder: "SIZE",
    accepts: {
      en: `a size such as \`64KiB\`, \`4MiB\`, or plain bytes; ${formatSize(range.min)} to ${formatSize(range.max)}`,
      zh: `大小，如 \`64KiB\`、\`4MiB\`，或字节数；${formatSize(range.min)} 至 ${formatSize(range.max)}`,
    },
    isList: false,
    parse(raw) {
      const text = typeof raw === "number" ? String(raw) : raw;
      const parts =
        typeof text === "string" ? /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) : null;
      const unit = parts?.[2];
      const factor = factorOf(unit === "" ? "B" : unit, SIZE_UNITS);
      const bytes = Number(parts?.[1]) * (factor ?? Number.NaN);
      return Number.isSafeInteger(bytes)
        ? inRange(bytes, show(raw), range, formatSize)
        : bad(`${show(raw)} is not a size. Write it as 64KiB, 4MiB or a number of bytes.`);
    },
    format: formatSize,
  };
}

/** The same, or `off`, whose value is undefined. */
export function orOff(type: SettingType<number>): SettingType<number | undefined> {
  return {
    placeholder: `${type.placeholder}|off`,
    accepts: { en: `${type.accepts.en}; or \`off\``, zh: `${type.accepts.zh}；或 \`off\`（关闭）` },
    isList: false,
    parse: (raw) => (raw === "off" ? good(undefined) : type.parse(raw)),
    format: (value) => (value === undefined ? "off" : type.format(value)),
  };
}

/** The shortest spelling without a fraction, such as `90s` for 90,000. */
export function formatDuration(milliseconds: number): string {
  return formatIn(milliseconds, "ms", DURATION_UNITS);
}

export function formatSize(bytes: number): string {
  return formatIn(bytes, "B", SIZE_UNITS.slice(0, 3));
}

function formatIn(
  value: number,
  baseUnit: string,
  units: readonly (readonly [string, number])[],
): string {
  const [unit, factor] = units.find(([, size]) => value >= size && value % size === 0) ?? [
    baseUnit,
    1,
  ];
  return `${value / factor}${unit}`;
}

function factorOf(
  unit: string | undefined,
  units: readonly (readonly [string, number])[],
): number | undefined {
  return units.find(([name]) => name.toLowerCase() === unit?.toLowerCase())?.[1];
}

function numberOf(raw: unknown): number | undefined {
  return typeof raw === "string" && /^[+-]?\d+(?:\.\d+)?$/.test(raw.trim())
    ? Number(raw)
    : undefined;
}

function inRange(
  value: number,
  shown: string,
  { min, max }: Range,
  format: (bound: number) => string,
): Parsed<number> {
  if (!(value >= min)) {
    return bad(`${shown} is below the least that is allowed, ${format(min)}.`);
  }
  return value <= max
    ? good(value)
    : bad(`${shown} is above the most that is allowed, ${format(max)}.`);
}
