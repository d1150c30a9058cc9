// @ts-check
// What each list of the page shows of a report.

import { fill } from "./format.status.js";
import { make, name, setText, showTable } from "./tables.status.js";

/**
 * @param {any} view a StatusView, see docs/status-api.md
 * @param {{ texts: any, format: ReturnType<typeof import("./format.status.js").createFormat>, isFiltered: boolean }} page
 */
export function showLists(view, { texts, format, isFiltered }) {
  // The host's clock, so that a wrong clock here makes no "in 3 hours".
  const now = Date.parse(view.startedAt) + view.uptimeSeconds * 1_000;
  const context = { texts, whole: format.whole, isFiltered };
  const when = (/** @type {string} */ iso) => {
    const then = Date.parse(iso);
    return make("time", format.ago(then, now), { title: format.moment(then) });
  };
  const code = (/** @type {string} */ text) =>
    make("code", text, { title: texts.reasons[text] ?? "" });

  showTable(
    "workers",
    rowsOf(view.workers, (worker) => [
      worker.clientId,
      [
        twoLines(workerName(worker.clientId), worker.peer, "brief"),
        chips(worker.agentTypes, worker.agentTypeCount, texts),
        format.count(worker.subscriptions),
        twoLines(format.count(worker.messagesIn), format.bytes(worker.bytesIn)),
        twoLines(format.count(worker.messagesOut), format.bytes(worker.bytesOut)),
        worker.queuedMessages === 0
          ? "0"
          : twoLines(format.count(worker.queuedMessages), format.bytes(worker.queuedBytes)),
        worker.shed === 0 ? "0" : make("strong", format.count(worker.shed), { className: "bad" }),
        when(worker.connectedAt),
      ],
    ]),
    view.counts.workers,
    { ...context, emptyNote: make("code", firstWorker(view.listen)) },
  );

  showTable(
    "topics",
    rowsOf(view.topics, (topic) => [
      topic.topicType,
      [
        name(topic.topicType),
        format.rate(topic.messagesPerSecond),
        format.count(topic.messages),
        format.count(topic.deliveries),
        format.bytes(topic.bytes),
        when(topic.lastAt),
      ],
    ]),
    view.counts.topics,
    context,
  );

  showTable(
    "subscriptions",
    rowsOf(view.subscriptions, (one) => [
      one.id,
      [
        name(one.kind === "prefix" ? `${one.pattern}…` : one.pattern),
        name(one.agentType),
        one.kind === "prefix" ? texts.kindPrefix : texts.kindType,
        workerName(one.clientId),
      ],
    ]),
    view.counts.subscriptions,
    context,
  );

  // The host keeps the newest only, and counts all.
  const allLetters = { total: view.deadLetters.total, matching: view.deadLetters.total };
  const kinds = {
    event: texts.kindEvent,
    request: texts.kindRequest,
    response: texts.kindResponse,
    control: texts.kindControl,
  };
  showTable(
    "letters",
    rowsOf(view.deadLetters.recent, (letter) => [
      `${letter.at} ${letter.messageId} ${letter.destination}`,
      [
        when(letter.at),
        code(letter.reason),
        make("span", kinds[/** @type {keyof typeof kinds} */ (letter.kind)] ?? letter.kind, {
          className: "brief",
        }),
        twoLines(name(letter.destination), letter.dataType),
        name(letter.sender || "–"),
        make("bdi", letter.detail),
      ],
    ]),
    isFiltered ? view.counts.deadLetters : allLetters,
    context,
  );

  showTable(
    "errors",
    rowsOf(view.errors, (error) => [
      `${error.at} ${error.where} ${error.message}`,
      [when(error.at), code(error.code), make("bdi", error.message), workerName(error.where)],
    ]),
    view.counts.errors,
    context,
  );

  showCounters(view.totals, texts, format);
}

/**
 * Gives each entry a key of its own, also where two are alike.
 * @template T
 * @param {T[]} entries
 * @param {(entry: T) => [string, import("./tables.status.js").Cell[]]} toRow
 */
function rowsOf(entries, toRow) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return entries.map((entry) => {
    const [base, cells] = toRow(entry);
    const copy = seen.get(base) ?? 0;
    seen.set(base, copy + 1);
    return { key: `${copy} ${base}`, cells };
  });
}

/** The first block of a UUID tells workers apart well enough; the whole is in the title. */
function workerName(/** @type {string} */ id) {
  const block = /^([\da-f]{8})-[\da-f-]{27}$/i.exec(id)?.[1];
  return block === undefined ? name(id) : make("bdi", block, { className: "brief", title: id });
}

function firstWorker(/** @type {string} */ listen) {
  return `agentrt --role environment-agent --host-address ${listen}`;
}

function twoLines(
  /** @type {string | Node} */ first,
  /** @type {string} */ second,
  /** @type {string} */ className = "",
) {
  const both = document.createElement("span");
  both.className = "two";
  both.append(first, make("small", second, { className }));
  return both;
}

function chips(
  /** @type {string[]} */ types,
  /** @type {number} */ count,
  /** @type {any} */ texts,
) {
  const list = document.createElement("span");
  list.className = "chips";
  if (count === 0) {
    list.append(make("small", texts.noTypes));
  }
  for (const type of types) {
    list.append(make("bdi", type, { className: "chip" }), " ");
  }
  if (count > types.length) {
    list.append(make("small", fill(texts.moreTypes, { count: String(count - types.length) })));
  }
  return list;
}

/**
 * @param {Record<string, number>} totals
 * @param {any} texts
 * @param {ReturnType<typeof import("./format.status.js").createFormat>} format
 */
function showCounters(totals, texts, format) {
  const list = document.getElementById("counters");
  for (const [key, value] of Object.entries(totals)) {
    let entry = document.getElementById(`counter-${key}`);
    if (entry === null) {
      entry = document.createElement("div");
      entry.id = `counter-${key}`;
      entry.append(make("dt", texts.counterTexts[key] ?? key), make("dd", ""));
      list?.append(entry);
    }
    const isBytes = key === "bytesIn" || key === "bytesOut";
    setText(entry.querySelector("dd"), isBytes ? format.bytes(value) : format.whole(value));
  }
}
