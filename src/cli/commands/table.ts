import { stringWidth } from "bun";
import type { Language, Localized } from "../language.ts";
import type { Styler } from "../terminal.ts";
import { padToWidth } from "../wrap-text.ts";
import { printable } from "./printable.ts";

export interface Column<T> {
  readonly title: Localized;
  readonly text: (row: T) => string | number;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
}

export interface TableLook {
  readonly style: Styler;
  readonly language: Language;
}

/** Rows under their titles, as wide as they need to be; nothing is cut, so that it can be searched. */
export function renderTable<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  { style, language }: TableLook,
): readonly string[] {
  const cells = rows.map((row) => columns.map(({ text }) => printable(String(text(row)))));
  const widths = columns.map(({ title }, index) =>
    Math.max(stringWidth(title[language]), ...cells.map((line) => stringWidth(line[index] ?? ""))),
  );
  const pad = (text: string, index: number): string => {
    const width = widths[index] ?? 0;
    if (columns[index]?.isNumber === true) {
      return " ".repeat(Math.max(0, width - stringWidth(text))) + text;
    }
    return index === columns.length - 1 ? text : padToWidth(text, width);
  };
  const head = columns.map(({ title }, index) => pad(title[language], index)).join("  ");
  return [style.faint(head.trimEnd()), ...cells.map((line) => line.map(pad).join("  ").trimEnd())];
}
