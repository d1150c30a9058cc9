// @ts-check
// The lists of the page. Everything that a peer may have named goes in as text, never as markup.

import { fill } from "./format.status.js";

/**
 * @typedef {string | number | Node} Cell
 * @typedef {{ key: string, cells: Cell[], note?: string }} Row
 */

/** Shows a text only when it is another one, so that selections and screen readers are left alone. */
export function setText(/** @type {Element | null} */ element, /** @type {string} */ text) {
  if (element !== null && element.textContent !== text) {
    element.textContent = text;
  }
}

/** An element with text in it. */
export function make(
  /** @type {string} */ tag,
  /** @type {string} */ text,
  /** @type {{ className?: string, title?: string }} */ { className = "", title = "" } = {},
) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className !== "") {
    element.className = className;
  }
  if (title !== "") {
    element.title = title;
  }
  return element;
}

/** A name from a peer, kept from changing the direction of the text round it. */
export function name(/** @type {string} */ text, /** @type {string} */ title = "") {
  return make("bdi", text, { className: "name", title });
}

/**
 * Shows rows in the table of a section: rows stay the same elements while their key stays.
 * @param {string} id of the section
 * @param {Row[]} rows
 * @param {{ total: number, matching: number }} count of the whole list
 * @param {{ texts: Record<string, string>, whole: (value: number) => string, isFiltered: boolean, emptyNote?: Node }} context
 */
export function showTable(id, rows, count, { texts, whole, isFiltered, emptyNote }) {
  const section = document.getElementById(id);
  const body = section?.querySelector("tbody");
  if (!section || !body) {
    return;
  }
  showCount(section, rows.length, count, texts, whole, isFiltered);

  const isEmpty = rows.length === 0;
  section.querySelector("thead")?.toggleAttribute("hidden", isEmpty);
  const empty = section.querySelector(".empty");
  if (empty instanceof HTMLElement) {
    empty.hidden = !isEmpty;
    const isNothing = !isFiltered || count.total === 0;
    const text = isNothing ? (section.dataset["empty"] ?? "") : (texts["noMatch"] ?? "");
    const note = isNothing ? emptyNote : undefined;
    if (empty.textContent !== `${text}${note?.textContent ?? ""}`) {
      empty.replaceChildren(text, ...(note ? [note] : []));
    }
  }

  const headings = [...section.querySelectorAll("th")];
  /** @type {Map<string, HTMLTableRowElement>} */
  const old = new Map();
  for (const row of body.rows) {
    old.set(row.dataset["key"] ?? "", row);
  }
  let next = body.firstElementChild;
  for (const { key, cells } of rows) {
    const row = old.get(key) ?? makeRow(key, headings);
    old.delete(key);
    cells.forEach((cell, index) => {
      showCell(row.cells[index], cell);
    });
    if (row === next) {
      next = next.nextElementSibling;
    } else {
      body.insertBefore(row, next);
    }
  }
  for (const row of old.values()) {
    row.remove();
  }
}

/**
 * @param {HTMLElement} section
 * @param {number} shown
 * @param {{ total: number, matching: number }} count
 * @param {Record<string, string>} texts
 * @param {(value: number) => string} whole
 * @param {boolean} isFiltered
 */
function showCount(section, shown, count, texts, whole, isFiltered) {
  const isCut = shown < count.matching;
  const text = isFiltered
    ? texts[isCut ? "countMatchCut" : "countMatch"]
    : texts[isCut ? "countCut" : "countAll"];
  setText(
    section.querySelector(".count"),
    fill(text ?? "", {
      total: whole(count.total),
      matching: whole(count.matching),
      shown: whole(shown),
    }),
  );
}

function makeRow(/** @type {string} */ key, /** @type {HTMLTableCellElement[]} */ headings) {
  const row = document.createElement("tr");
  row.dataset["key"] = key;
  row.setAttribute("role", "row");
  for (const heading of headings) {
    const cell = document.createElement("td");
    cell.setAttribute("role", "cell");
    cell.className = heading.className;
    cell.dataset["label"] = heading.textContent ?? "";
    row.append(cell);
  }
  return row;
}

function showCell(/** @type {HTMLTableCellElement | undefined} */ cell, /** @type {Cell} */ value) {
  if (cell === undefined) {
    return;
  }
  if (!(value instanceof Node)) {
    setText(cell, String(value));
  } else if (cell.childNodes.length !== 1 || !cell.firstChild?.isEqualNode(value)) {
    cell.replaceChildren(value);
  }
}
