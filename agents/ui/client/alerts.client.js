import {
  copyTemplate,
  element,
  find,
  formatDecimal,
  formatTimeWithSeconds,
  hasText,
  text,
} from "./texts.client.js";

/** The agent keeps as many by default. */
const MAX_SHOWN = 100;

const list = element("alerts");

/** @typedef {{ kind: "test", room: string } | { kind: "temperature_high", room: string, temperature: number, limit: number }} Content */
/** @typedef {{ id: number, atMs: number, room: string, kind: string, message: string, content: Content | null }} Alert */

/** @param {string} kind */
function nameOf(kind) {
  return hasText(`alert.${kind}`) ? text(`alert.${kind}`) : kind;
}

/** The message in the page's language where it is known what it says. @param {Alert} alert */
function messageOf({ message, content }) {
  if (content === null) {
    return message;
  }
  return content.kind === "test"
    ? text("alertMessage.test", content)
    : text("alertMessage.temperature_high", {
        ...content,
        temperature: formatDecimal(content.temperature),
      });
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
  find(item, ".alert-message").textContent = messageOf(alert);
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
    message: messageOf(alert),
  });
}
