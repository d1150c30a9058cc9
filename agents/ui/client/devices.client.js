import { send } from "./live.client.js";
import {
  copyTemplate,
  element,
  find,
  formatDecimal,
  formatTime,
  setText,
  text,
} from "./texts.client.js";

/**
 * @typedef {{ kind: string, [field: string]: string | number }} Reason
 * @typedef {{ device: string, state: "on" | "off", reason: Reason, heldUntil: string | null }} Device
 * What the person asked for last, as far as it is known:
 * @typedef {{ kind: "settled" } | { kind: "waiting", state: string, timer: number } | { kind: "failed", problem: string }} Wish
 */

const CONFIRM_TIMEOUT_MS = Number(document.body.dataset.confirmTimeoutMs);

let nextId = 1;

/** One device: a switch that shows what was confirmed, never what was merely clicked. */
export class DeviceRow {
  /** @type {string} */ #room;
  /** @type {string} */ #name;
  /** @type {Device | undefined} */ #confirmed;
  /** @type {Wish} */ #wish = { kind: "settled" };
  #isReachable = false;
  #row = copyTemplate("device-template");
  #switch = find(this.#row, ".switch");

  /** @param {string} room @param {string} roomTitleId @param {string} name */
  constructor(room, roomTitleId, name) {
    this.#room = room;
    this.#name = name;
    const title = find(this.#row, ".device-name");
    const reason = find(this.#row, ".device-reason");
    const problem = find(this.#row, ".device-problem");
    title.textContent = text(name);
    for (const part of [title, reason, problem]) {
      part.id = `device-part-${nextId}`;
      nextId += 1;
    }
    this.#row.dataset.device = name;
    this.#switch.setAttribute("aria-labelledby", `${title.id} ${roomTitleId}`);
    this.#switch.setAttribute("aria-describedby", `${reason.id} ${problem.id}`);
    this.#switch.addEventListener("click", () => void this.#ask());
    this.#render();
  }

  get row() {
    return this.#row;
  }

  /** @param {Device} device a state that the device agent confirmed */
  confirm(device) {
    const isAnswer = this.#wish.kind === "waiting" && this.#wish.state === device.state;
    const isNews = this.#confirmed !== undefined && this.#confirmed.state !== device.state;
    this.#confirmed = device;
    if (isAnswer || (isNews && this.#wish.kind === "failed")) {
      this.#settle({ kind: "settled" });
    }
    if (isAnswer || isNews) {
      element("say-later").textContent = text("confirmed", {
        device: text(this.#name),
        room: this.#room,
        state: text(device.state),
      });
    }
    this.#render();
  }

  /** @param {boolean} isReachable whether a device agent answers */
  setReachable(isReachable) {
    this.#isReachable = isReachable;
    this.#render();
  }

  /** @param {string} message why the device agent refused a command of this room */
  refuse(message) {
    if (this.#wish.kind === "waiting") {
      this.#settle({ kind: "failed", problem: text("commandRefused", { message }) });
      this.#render();
    }
  }

  close() {
    this.#settle({ kind: "settled" });
  }

  async #ask() {
    if (this.#wish.kind === "waiting" || this.#confirmed === undefined) {
      return;
    }
    const state = this.#confirmed.state === "on" ? "off" : "on";
    const timer = setTimeout(() => {
      this.#settle({ kind: "failed", problem: text("unconfirmed") });
      this.#render();
    }, CONFIRM_TIMEOUT_MS);
    const wish = /** @type {Wish} */ ({ kind: "waiting", state, timer });
    this.#wish = wish;
    this.#render();
    const result = await send("/api/commands", { room: this.#room, device: this.#name, state });
    // The confirmation may have come before the answer to the request.
    if (!result.isSent && this.#wish === wish) {
      const { message } = result;
      const problem =
        message === undefined ? text("commandUnreachable") : text("commandFailed", { message });
      this.#settle({ kind: "failed", problem });
      this.#render();
    }
  }

  /** @param {Wish} wish */
  #settle(wish) {
    if (this.#wish.kind === "waiting") {
      clearTimeout(this.#wish.timer);
    }
    this.#wish = wish;
  }

  #render() {
    const state = this.#confirmed?.state;
    const isWaiting = this.#wish.kind === "waiting";
    const canSwitch = this.#isReachable && state !== undefined;
    this.#row.dataset.wish = this.#wish.kind;
    this.#switch.setAttribute("aria-checked", String(state === "on"));
    this.#switch.setAttribute("aria-busy", String(isWaiting));
    // Not `disabled` while waiting: that would take the keyboard's focus away.
    this.#switch.setAttribute("aria-disabled", String(isWaiting || !canSwitch));
    this.#switch.toggleAttribute("disabled", !canSwitch);
    setText(find(this.#row, ".device-state"), text(canSwitch ? state : "unknown"));
    setText(find(this.#row, ".device-reason"), this.#reasonText());
    const problem = this.#wish.kind === "failed" ? this.#wish.problem : "";
    setText(find(this.#row, ".device-problem"), problem);
  }

  #reasonText() {
    if (this.#wish.kind === "waiting") {
      return text("waiting");
    }
    if (this.#confirmed === undefined || !this.#isReachable) {
      return "";
    }
    return textOf(this.#confirmed.reason, this.#confirmed.heldUntil);
  }
}

/** @param {Reason} reason @param {string | null} heldUntil */
function textOf(reason, heldUntil) {
  switch (reason.kind) {
    case "automatic":
      return text(`reason.automatic.${reason.quantity}.${reason.relation}`, {
        value: formatDecimal(Number(reason.value)),
        limit: reason.limit ?? "",
      });
    case "manual":
      return heldUntil === null || Date.parse(heldUntil) <= Date.now()
        ? text("reason.manual-over")
        : text("reason.manual", { time: formatTime(heldUntil) });
    case "other":
      return text("reason.other", { text: reason.text ?? "" });
    default:
      return text(`reason.${reason.kind}`);
  }
}
