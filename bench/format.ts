import type { MetricFormat } from "./results.ts";
import type { Spread } from "./statistics.ts";

/** A value of a metric as text, in the unit that the metric's title names. */
export function formatValue(value: number, format: MetricFormat): string {
  switch (format) {
    case "count":
      return Math.round(value).toLocaleString("en-US");
    case "decimal":
      return decimal(value);
    case "KiB":
      return decimal(value / 1_024);
    case "MiB":
      return decimal(value / 1_024 / 1_024);
    default:
      throw format satisfies never;
  }
}

export function formatSpread({ median, min, max }: Spread, format: MetricFormat): string {
  const text = (value: number): string => formatValue(value, format);
  return min === max ? text(median) : `${text(median)} (${text(min)} to ${text(max)})`;
}

/** Two digits that mean something, at least. */
function decimal(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
