import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { type Language, reasonsIn, TEXTS, type TextKey, type Texts } from "./texts.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='8' fill='%230f766e'/%3E%3Cg stroke='white' stroke-width='2.4' stroke-linecap='round'%3E%3Cpath d='M16 16 8 9M16 16l8-7M16 16v10'/%3E%3C/g%3E%3Cg fill='white'%3E%3Ccircle cx='16' cy='16' r='4'/%3E%3Ccircle cx='8' cy='9' r='2.6'/%3E%3Ccircle cx='24' cy='9' r='2.6'/%3E%3Ccircle cx='16' cy='26' r='2.6'/%3E%3C/g%3E%3C/svg%3E";

interface Column {
  readonly key: TextKey;
  readonly isNumber?: boolean;
  /** How much of a phone's width it takes: half of it when left out, or a line, or a paragraph. */
  readonly width?: "line" | "prose";
}

interface Table {
  readonly name: TextKey;
  readonly empty: TextKey;
  readonly columns: readonly Column[];
}

/** The script fills the bodies; the order of columns is the order of its cells. */
const TABLES = {
  workers: {
    name: "workers",
    empty: "noWorkers",
    columns: [
      { key: "worker" },
      { key: "agentTypes", width: "line" },
      { key: "subscriptions", isNumber: true },
      { key: "messagesIn", isNumber: true },
      { key: "messagesOut", isNumber: true },
      { key: "queued", isNumber: true },
      { key: "shed", isNumber: true },
      { key: "connected", isNumber: true },
    ],
  },
  topics: {
    name: "topics",
    empty: "noTopics",
    columns: [
      { key: "topic" },
      { key: "rate", isNumber: true },
      { key: "messages", isNumber: true },
      { key: "deliveries", isNumber: true },
      { key: "bytes", isNumber: true },
      { key: "last", isNumber: true },
    ],
  },
  letters: {
    name: "letters",
    empty: "noLetters",
    columns: [
      { key: "at" },
      { key: "reason", width: "line" },
      { key: "letterKind", width: "line" },
      { key: "destination", width: "line" },
      { key: "sender", width: "line" },
      { key: "detail", width: "prose" },
    ],
  },
  errors: {
    name: "errors",
    empty: "noErrors",
    columns: [
      { key: "at" },
      { key: "code", width: "line" },
      { key: "message", width: "prose" },
      { key: "where", width: "line" },
    ],
  },
  subscriptions: {
    name: "subscriptions",
    empty: "noSubscriptions",
    columns: [
      { key: "pattern" },
      { key: "agentType", width: "line" },
      { key: "kind" },
      { key: "worker" },
    ],
  },
} as const satisfies Record<string, Table>;

const TILES = [
  ["uptime", "uptime"],
  ["workers", "workersTile"],
  ["subscriptions", "subscriptionsTile"],
  ["rate", "rateTile"],
  ["queue", "queueTile"],
  ["calls", "callsTile"],
  ["letters", "lettersTile"],
] as const satisfies readonly (readonly [string, TextKey])[];

/**
 * The HTML of the status page. It has no data of the host in it; the script asks for that.
 * @param isExposed shows the warning of an insecure host from the first moment
 */
export function renderPage(language: Language, isExposed: boolean): Html {
  const t = TEXTS[language];
  const other: Language = language === "en" ? "zh" : "en";
  return html`<!doctype html>
<html lang="${t.htmlLang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${t.title} · agentrt</title>
<link rel="icon" href="${raw(ICON)}">
<link rel="stylesheet" href="status.css">
<script type="application/json" id="texts">${dataBlock({ ...t, reasons: reasonsIn(language) })}</script>
<script type="module" src="live.status.js"></script>
</head>
<body data-link="connecting">
<a class="skip" href="#main">${t.skip}</a>
<header class="top">
  <h1><span class="mark" aria-hidden="true"></span>agentrt <span class="thin">${t.title}</span></h1>
  <p class="pills">
    <span id="state" class="pill" role="status" hidden></span>
    <span id="link" class="pill" role="status">${t.linkConnecting}</span>
  </p>
  <a class="language" href="?lang=${other}" lang="${t.otherLanguageLang}" hreflang="${t.otherLanguageLang}">${t.otherLanguage}</a>
</header>
<main id="main" tabindex="-1">
  <div id="insecure" class="banner danger" role="alert"${isExposed ? "" : raw(" hidden")}>
    <strong>${t.insecureTitle}</strong> ${t.insecureText}
  </div>
  <div id="trouble" class="banner warn" role="alert" hidden>
    <strong id="trouble-title"></strong> <span id="trouble-text"></span>
  </div>
  <noscript><p class="banner warn">${t.noScript} <a href="api/status">api/status</a></p></noscript>
  <section aria-labelledby="glance">
    <h2 id="glance" class="quiet">${t.glance}</h2>
    <dl class="tiles">${TILES.map(([id, key]) => tile(id, t[key]))}</dl>
  </section>
  <form class="filter" role="search" id="filter-form">
    <label for="filter">${t.filter}</label>
    <input id="filter" name="filter" type="search" autocomplete="off" spellcheck="false" maxlength="200" placeholder="${t.filterPlaceholder}">
  </form>
  ${Object.entries(TABLES).map(([id, table]) => tableOf(id, table, t))}
  <details class="card counters">
    <summary>${t.counters}</summary>
    <dl id="counters"></dl>
  </details>
</main>
<footer>
  <span>${t.footListen} <code id="listen">…</code></span>
  <span>${t.footVersion} <span id="version">…</span></span>
  <a href="api/status">${t.footJson}</a>
  <a href="metrics">${t.footMetrics}</a>
</footer>
</body>
</html>`;
}

function tile(id: string, label: string): Html {
  return html`
    <div class="tile" id="tile-${id}"><dt>${label}</dt><dd class="value">–</dd><dd class="sub"></dd></div>`;
}

/** The roles are what the elements have by nature; on a phone the style would take them away. */
function tableOf(id: string, table: Table, t: Texts): Html {
  return html`
  <section class="card" id="${id}" data-empty="${t[table.empty]}">
    <table role="table">
      <caption role="caption"><h2>${t[table.name]}</h2> <span class="count"></span></caption>
      <thead role="rowgroup"><tr role="row">${table.columns.map(
        (column) =>
          html`<th role="columnheader" scope="col" class="${classOf(column)}">${t[column.key]}</th>`,
      )}</tr></thead>
      <tbody role="rowgroup"></tbody>
    </table>
    <p class="empty" hidden></p>
  </section>`;
}

/** The script gives a column's cells the class of its heading. */
function classOf({ isNumber = false, width }: Column): string {
  return isNumber ? "number" : (width ?? "text");
}

/** JSON for a script element: "<" could end the element. */
function dataBlock(value: object): HtmlEscapedString {
  return raw(JSON.stringify(value).replaceAll("<", "\\u003c"));
}
