import {
  copyTemplate,
  element,
  find,
  formatTimeWithSeconds,
  hasText,
  text,
} from "./texts.client.js";

/** The agent keeps as many by default. */
const MAX_SHOWN = 100;

const list = element("alerts");

/** @typedef {{ id: number, atMs: number, room: string, kind: string, message: string }} Alert */

/** @param {string} kind */
function nameOf(kind) {
  return hasText(`alert.${kind}`) ? text(`alert.${kind}`) : kind;
}

/** @param {Alert} alert */
function itemOf(alert) {
  const item = copyTemplate("alert-template");
  item.dataset.kind = alert.kind;
  find(item, ".alert-kind").textContent = nameOf(alert.kind);
  find(item, ".alert-room").textContent = alert.room;
  const time = find(item, ".alert-time");
  time.textContent = formatTimeWithSeconds(alert.atMs);
  time.setAttribute("datetime", new Date(alert.atMs).toISOString());
  find(item, ".alert-message").textContent = alert.message;
  return item;
}

function showOrHide() {
  const isEmpty = list.childElementCount === 0;
  list.hidden = isEmpty;
  element("no-alerts").hidden = !isEmpty;
}

/** Shows all of them and says none: they are old. @param {Alert[]} alerts newest first */
export function showAlerts(alerts) {
  list.replaceChildren(...alerts.map(itemOf));
  showOrHide();
}

/** Shows a new one on top and says it at once. @param {Alert} alert */
export function addAlert(alert) {
  list.prepend(itemOf(alert));
  while (list.childElementCount > MAX_SHOWN) {
    list.lastElementChild?.remove();
  }
  showOrHide();
  element("say-now").textContent = text("alertSpoken", {
    room: alert.room,
    kind: nameOf(alert.kind),
    message: alert.message,
  });
}
