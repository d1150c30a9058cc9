import { Chart } from "./chart.client.js";
import { DeviceRow } from "./devices.client.js";
import { send } from "./live.client.js";
import { copyTemplate, element, find, formatDecimal, setText, text } from "./texts.client.js";

/**
 * @typedef {import("./chart.client.js").Reading} Reading
 * @typedef {import("./devices.client.js").Device} Device
 * @typedef {{ name: string, readings: Reading[], areDevicesKnown: boolean, devices: Device[] }} RoomData
 */

/** Shown in every room, also before its device agent has answered. */
const DEVICES = (document.body.dataset.devices ?? "").split(" ");
/** As many readings as the agent keeps. */
const MAX_READINGS = 1_000;
/** No reading for so long, or for three times the usual gap, and the values are marked as old. */
const STALE_MS = 30_000;
const TEST_TIMEOUT_MS = 8_000;

let nextId = 1;

/** The card of one room. */
export class RoomCard {
  /** @type {string} */ name;
  #card = copyTemplate("room-template");
  #chart = new Chart(find(this.#card, ".chart"));
  /** @type {Reading[]} */ #readings;
  /** @type {Map<string, DeviceRow>} */ #devices = new Map();
  #historyMs;
  /** @type {number | undefined} */ #testTimer;

  /** @param {RoomData} room @param {number} historyMs */
  constructor(room, historyMs) {
    this.name = room.name;
    this.#readings = room.readings;
    this.#historyMs = historyMs;
    const title = find(this.#card, ".room-name");
    title.textContent = room.name;
    title.id = `room-title-${nextId}`;
    nextId += 1;
    this.#card.setAttribute("aria-labelledby", title.id);
    this.#card.dataset.room = room.name;
    const test = find(this.#card, ".test");
    test.setAttribute("aria-label", text("testAlertOf", { room: room.name }));
    test.addEventListener("click", () => void this.#testAlarm());
    for (const device of DEVICES) {
      this.#deviceRow(device);
    }
    this.setDevices(room.devices, room.areDevicesKnown);
  }

  get card() {
    return this.#card;
  }

  /** Takes what a new snapshot says, and keeps what the person is doing. @param {RoomData} room */
  replace(room) {
    this.#readings = room.readings;
    this.setDevices(room.devices, room.areDevicesKnown);
  }

  /** @param {Reading} reading */
  addReading(reading) {
    this.#readings.push(reading);
    const oldestMs = reading.atMs - this.#historyMs;
    while (
      this.#readings.length > MAX_READINGS ||
      (this.#readings[0]?.atMs ?? oldestMs) < oldestMs
    ) {
      this.#readings.shift();
    }
  }

  /** @param {Device[]} devices @param {boolean} areKnown */
  setDevices(devices, areKnown) {
    for (const device of devices) {
      this.#deviceRow(device.device).confirm(device);
    }
    for (const row of this.#devices.values()) {
      row.setReachable(areKnown);
    }
    find(this.#card, ".room-notice").hidden = areKnown;
  }

  /** @param {Device} device */
  setDevice(device) {
    this.setDevices([device], true);
  }

  /** @param {string} message */
  refuse(message) {
    for (const row of this.#devices.values()) {
      row.refuse(message);
    }
  }

  /** The test alert came back. */
  hearTestAlert() {
    clearTimeout(this.#testTimer);
    find(this.#card, ".test-result").textContent = "";
  }

  /** @param {number} nowMs the agent's clock */
  render(nowMs) {
    const last = this.#readings.at(-1);
    const age = find(this.#card, ".age");
    if (last === undefined) {
      setText(age, text("noReading"));
      return;
    }
    const before = this.#readings.at(-2);
    const usualGapMs = before === undefined ? 0 : last.atMs - before.atMs;
    const ageMs = Math.max(0, nowMs - last.atMs);
    const seconds = Math.floor(ageMs / 1_000);
    setText(
      age,
      seconds < 120
        ? text("updatedAgo", { seconds })
        : text("updatedMinutesAgo", { minutes: Math.floor(seconds / 60) }),
    );
    this.#card.classList.toggle("stale", ageMs > Math.max(STALE_MS, usualGapMs * 3));
    setText(find(this.#card, ".temperature .value"), formatDecimal(last.temperature));
    setText(find(this.#card, ".humidity .value"), formatDecimal(last.humidity));
  }

  /** @param {number} nowMs the agent's clock */
  drawChart(nowMs) {
    this.#chart.draw(this.#readings, this.#historyMs, nowMs);
  }

  repaint() {
    this.#chart.repaint();
  }

  close() {
    clearTimeout(this.#testTimer);
    this.#chart.close();
    for (const row of this.#devices.values()) {
      row.close();
    }
    this.#card.remove();
  }

  /** @param {string} name */
  #deviceRow(name) {
    let row = this.#devices.get(name);
    if (row === undefined) {
      row = new DeviceRow(this.name, find(this.#card, ".room-name").id, name);
      this.#devices.set(name, row);
      find(this.#card, ".devices").append(row.row);
    }
    return row;
  }

  async #testAlarm() {
    const result = find(this.#card, ".test-result");
    result.textContent = text("testSent");
    clearTimeout(this.#testTimer);
    this.#testTimer = setTimeout(() => {
      result.textContent = text("testUnanswered");
    }, TEST_TIMEOUT_MS);
    const sent = await send("/api/security-test", { room: this.name });
    if (!sent.isSent) {
      clearTimeout(this.#testTimer);
      const { message } = sent;
      result.textContent =
        message === undefined ? text("commandUnreachable") : text("commandFailed", { message });
    }
  }
}

/** Puts a card among the others, which are in the order of their names. @param {RoomCard} room */
export function placeRoom(room) {
  const parent = element("rooms");
  const cards = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll(".room")]);
  const next = cards.find((card) => room.name.localeCompare(card.dataset.room ?? "") < 0);
  parent.insertBefore(room.card, next ?? null);
}
