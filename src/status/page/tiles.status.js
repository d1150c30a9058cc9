// @ts-check
// The numbers at the top of the page.

import { fill } from "./format.status.js";
import { setText } from "./tables.status.js";

/** Points of the small curve: two minutes at one report a second. */
const CURVE_POINTS = 120;

/**
 * @param {Record<string, string>} texts
 * @param {ReturnType<typeof import("./format.status.js").createFormat>} format
 */
export function createTiles(texts, format) {
  const nextRate = createRate();
  /** @type {number[]} */
  const rates = [];

  /** @param {any} view a StatusView */
  return (view) => {
    const { totals, counts, deadLetters } = view;
    const messages = totals.eventsIn + totals.callsIn;
    const rate = nextRate(view, messages);
    rates.push(rate);
    rates.splice(0, rates.length - CURVE_POINTS);
    tile("uptime", format.span(view.uptimeSeconds), {
      sub: fill(texts.uptimeSub, { time: format.moment(Date.parse(view.startedAt)) }),
    });
    tile("workers", format.count(counts.workers.total), {
      sub: fill(texts.workersSub, { count: format.count(counts.agentTypes) }),
    });
    tile("subscriptions", format.count(counts.subscriptions.total), {
      sub: fill(texts.subscriptionsSub, { count: format.count(counts.topics.total) }),
    });
    tile("rate", format.rate(rate), {
      sub: fill(texts.rateSub, { count: format.count(messages) }),
    });
    drawCurve(rates);
    tile("queue", format.count(counts.queuedMessages), {
      sub: fill(texts.queueSub, { bytes: format.bytes(counts.queuedBytes) }),
    });
    tile("calls", format.count(view.pendingCalls), {
      sub: fill(texts.callsSub, {
        failed: format.count(totals.callsFailed),
        late: format.count(totals.callsTimedOut),
      }),
    });
    const [reason] = Object.entries(deadLetters.byReason).sort(([, a], [, b]) => b - a)[0] ?? [];
    tile("letters", format.count(deadLetters.total), {
      sub: reason === undefined ? texts.lettersNone : fill(texts.lettersSub, { reason }),
      isBad: deadLetters.total > 0,
    });
  };
}

function tile(
  /** @type {string} */ id,
  /** @type {string} */ value,
  /** @type {{ sub: string, isBad?: boolean }} */ { sub, isBad = false },
) {
  const element = document.getElementById(`tile-${id}`);
  setText(element?.querySelector(".value") ?? null, value);
  setText(element?.querySelector(".sub") ?? null, sub);
  element?.classList.toggle("bad", isBad);
}

/** Messages a second between this report and the one before, by the host's own clock. */
function createRate() {
  /** @type {{ startedAt: string, uptime: number, messages: number } | undefined} */
  let previous;
  return (/** @type {any} */ view, /** @type {number} */ messages) => {
    const now = { startedAt: view.startedAt, uptime: view.uptimeSeconds, messages };
    const before = previous?.startedAt === now.startedAt ? previous : undefined;
    const seconds = before === undefined ? 0 : now.uptime - before.uptime;
    previous = now;
    if (before !== undefined && seconds > 0) {
      return Math.max(0, messages - before.messages) / seconds;
    }
    // The first report has none before it; what the topics say is the best there is.
    return view.topics.reduce(
      (/** @type {number} */ sum, /** @type {any} */ topic) => sum + topic.messagesPerSecond,
      0,
    );
  };
}

function drawCurve(/** @type {number[]} */ rates) {
  const host = document.getElementById("tile-rate");
  if (host === null || rates.length < 2) {
    return;
  }
  const space = "http://www.w3.org/2000/svg";
  let line = host.querySelector("polyline");
  if (line === null) {
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", `0 0 ${CURVE_POINTS - 1} 32`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    line = document.createElementNS(space, "polyline");
    svg.append(line);
    host.append(svg);
  }
  const top = Math.max(...rates, 1);
  const first = CURVE_POINTS - rates.length;
  const points = rates.map(
    (rate, index) => `${first + index},${(30 - (28 * rate) / top).toFixed(2)}`,
  );
  line.setAttribute("points", points.join(" "));
}
