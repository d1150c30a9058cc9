import { addAlert, showAlerts } from "./alerts.client.js";
import { followHouse } from "./live.client.js";
import { placeRoom, RoomCard } from "./rooms.client.js";
import { element, setText, text } from "./texts.client.js";

/** @type {Map<string, RoomCard>} */
const rooms = new Map();
/** Agent's clock minus the browser's, since the two may differ by hours. */
let clockOffsetMs = 0;
let historyMs = 600_000;
let isPageLive = false;
let link = "unknown";

function now() {
  return Date.now() + clockOffsetMs;
}

/** @param {import("./rooms.client.js").RoomData} data */
function showRoom(data) {
  const known = rooms.get(data.name);
  if (known !== undefined) {
    known.replace(data);
    return;
  }
  const room = new RoomCard(data, historyMs);
  rooms.set(data.name, room);
  placeRoom(room);
  draw(room);
}

/** @param {string} name */
function dropRoom(name) {
  rooms.get(name)?.close();
  rooms.delete(name);
}

/** @param {RoomCard} room */
function draw(room) {
  room.render(now());
  room.drawChart(now());
}

function showLinks() {
  const page = element("page-link");
  page.dataset.state = isPageLive ? "connected" : "connecting";
  setText(page, text(isPageLive ? "pageLive" : "pageConnecting"));
  // What the agent last said of the host is worth nothing while the agent is not heard.
  const host = isPageLive ? link : "unknown";
  element("host-link").dataset.state = host;
  setText(
    element("host-link"),
    text({ connected: "hostConnected", connecting: "hostConnecting" }[host] ?? "hostUnknown"),
  );
  const notice = element("notice");
  const message = isPageLive
    ? host === "connected"
      ? ""
      : text("hostAwayNotice")
    : text("pageAwayNotice");
  setText(notice, message);
}

/** Hides the notice while it is empty or the page has only just been opened. */
function showNotice() {
  element("notice").hidden = element("notice").textContent === "";
}

followHouse(
  {
    snapshot(data) {
      clockOffsetMs = data.nowMs - Date.now();
      historyMs = data.historyMs;
      link = data.link;
      const names = new Set(data.rooms.map((/** @type {{ name: string }} */ room) => room.name));
      for (const name of [...rooms.keys()].filter((known) => !names.has(known))) {
        dropRoom(name);
      }
      data.rooms.forEach(showRoom);
      showAlerts(data.alerts);
      element("no-rooms").hidden = rooms.size > 0;
      rooms.forEach(draw);
    },
    link(data) {
      link = data.link;
      showLinks();
      showNotice();
    },
    room(data) {
      showRoom(data.room);
      element("no-rooms").hidden = true;
    },
    "room-gone"(data) {
      dropRoom(data.room);
    },
    reading(data) {
      const room = rooms.get(data.room);
      room?.addReading(data.reading);
      if (room !== undefined) {
        draw(room);
      }
    },
    device(data) {
      rooms.get(data.room)?.setDevice(data.device);
    },
    devices(data) {
      rooms.get(data.room)?.setDevices(data.devices, data.areDevicesKnown);
    },
    "device-error"(data) {
      rooms.get(data.room)?.refuse(data.message);
    },
    alert(data) {
      addAlert(data.alert);
      if (data.alert.kind === "test") {
        rooms.get(data.alert.room)?.hearTestAlert();
      }
    },
  },
  (isLive) => {
    isPageLive = isLive;
    showLinks();
    showNotice();
  },
);

setInterval(() => {
  for (const room of rooms.values()) {
    room.render(now());
  }
}, 1_000);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const room of rooms.values()) {
    room.repaint();
  }
});
