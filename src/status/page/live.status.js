// @ts-check
// Keeps the page in step with the host: one event stream, open while the page is visible.

import { createFormat, fill } from "./format.status.js";
import { showLists } from "./lists.status.js";
import { setText } from "./tables.status.js";
import { createTiles } from "./tiles.status.js";

/** No report for so long means that the host, the network or this computer slept. */
const STALE_MS = 5_000;
const REDIAL_MS = 3_000;
const FILTER_PAUSE_MS = 250;

const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
const format = createFormat(texts.htmlLang);
const showTiles = createTiles(texts, format);
const filterField = /** @type {HTMLInputElement} */ (document.getElementById("filter"));

/** @type {EventSource | undefined} */
let source;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let watchdog;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let filterPause;
/** @type {number | undefined} */
let shownAt;

function dial() {
  hangUp();
  const filter = filterField.value.trim();
  source = new EventSource(`api/events?${new URLSearchParams(filter === "" ? {} : { filter })}`);
  source.addEventListener("report", (event) => {
    setLink("live");
    expectMore();
    show(JSON.parse(event.data), filter !== "");
  });
  source.addEventListener("problem", () => {
    setLink("live");
    expectMore();
    showTrouble(texts.problemTitle, texts.problemText);
  });
  source.addEventListener("error", () => {
    setLink("lost");
    // After an answer that is no stream the browser gives up by itself.
    if (source?.readyState === EventSource.CLOSED) {
      clearTimeout(watchdog);
      watchdog = setTimeout(dial, REDIAL_MS);
    }
  });
  expectMore();
}

function hangUp() {
  clearTimeout(watchdog);
  source?.close();
  source = undefined;
}

function expectMore() {
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    setLink("lost");
    dial();
  }, STALE_MS);
}

function setLink(/** @type {"connecting" | "live" | "paused" | "lost"} */ state) {
  document.body.dataset["link"] = state;
  const labels = {
    connecting: texts.linkConnecting,
    live: texts.linkLive,
    paused: texts.linkPaused,
    lost: texts.linkLost,
  };
  setText(document.getElementById("link"), labels[state]);
  if (state === "lost") {
    const time = shownAt === undefined ? "–" : format.moment(shownAt);
    showTrouble(texts.lostTitle, shownAt === undefined ? "" : fill(texts.lostText, { time }));
  }
}

function showTrouble(/** @type {string} */ title, /** @type {string} */ text) {
  setText(document.getElementById("trouble-title"), title);
  setText(document.getElementById("trouble-text"), text);
  setHidden("trouble", false);
}

function setHidden(/** @type {string} */ id, /** @type {boolean} */ isHidden) {
  document.getElementById(id)?.toggleAttribute("hidden", isHidden);
}

/**
 * @param {any} view a StatusView, see docs/status-api.md
 * @param {boolean} isFiltered
 */
function show(view, isFiltered) {
  shownAt = Date.now();
  setHidden("trouble", true);
  const states = {
    starting: texts.stateStarting,
    ready: texts.stateReady,
    draining: texts.stateDraining,
    stopped: texts.stateStopped,
  };
  const state = document.getElementById("state");
  setText(state, states[/** @type {keyof typeof states} */ (view.state)] ?? view.state);
  if (state !== null) {
    state.hidden = false;
    state.dataset["state"] = view.state;
  }
  if (view.isInsecure) {
    setHidden("insecure", false);
  }
  showTiles(view);
  showLists(view, { texts, format, isFiltered });
  setText(document.getElementById("listen"), view.listen);
  setText(document.getElementById("version"), view.version);
}

filterField.addEventListener("input", () => {
  clearTimeout(filterPause);
  filterPause = setTimeout(dial, FILTER_PAUSE_MS);
});
document.getElementById("filter-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(filterPause);
  dial();
});
// A hidden page asks nothing of the host, and frees one of the few connections that a browser
// makes to one server.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    hangUp();
    setLink("paused");
  } else {
    setLink("connecting");
    dial();
  }
});
// A page that a browser keeps for "back" holds no connection either.
addEventListener("pagehide", hangUp);
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    dial();
  }
});
if (document.hidden) {
  setLink("paused");
} else {
  dial();
}
