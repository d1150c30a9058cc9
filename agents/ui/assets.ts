import uplotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import uplotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import alertsScript from "./client/alerts.client.js" with { type: "text" };
import alertsStyle from "./client/alerts.css" with { type: "text" };
import baseStyle from "./client/base.css" with { type: "text" };
import chartScript from "./client/chart.client.js" with { type: "text" };
import devicesScript from "./client/devices.client.js" with { type: "text" };
import devicesStyle from "./client/devices.css" with { type: "text" };
import icon from "./client/icon.svg" with { type: "text" };
import liveScript from "./client/live.client.js" with { type: "text" };
import pageScript from "./client/page.client.js" with { type: "text" };
import roomsScript from "./client/rooms.client.js" with { type: "text" };
import roomsStyle from "./client/rooms.css" with { type: "text" };
import textsScript from "./client/texts.client.js" with { type: "text" };

export interface Asset {
  readonly text: string;
  readonly contentType: string;
  readonly etag: string;
}

const JAVASCRIPT = "text/javascript; charset=utf-8";
const CSS = "text/css; charset=utf-8";

/** Names as the page and its scripts ask for them. */
const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ["uplot.js", asset(uplotScript, JAVASCRIPT)],
  [
    "page.css",
    asset([uplotStyle, baseStyle, roomsStyle, devicesStyle, alertsStyle].join("\n"), CSS),
  ],
  ["icon.svg", asset(icon, "image/svg+xml")],
  ["page.client.js", asset(pageScript, JAVASCRIPT)],
  ["live.client.js", asset(liveScript, JAVASCRIPT)],
  ["rooms.client.js", asset(roomsScript, JAVASCRIPT)],
  ["devices.client.js", asset(devicesScript, JAVASCRIPT)],
  ["chart.client.js", asset(chartScript, JAVASCRIPT)],
  ["alerts.client.js", asset(alertsScript, JAVASCRIPT)],
  ["texts.client.js", asset(textsScript, JAVASCRIPT)],
]);

export function findAsset(name: string): Asset | undefined {
  return ASSETS.get(name);
}

export function assetNames(): readonly string[] {
  return [...ASSETS.keys()];
}

/** The tag is of the content, so that a new binary's page is never mixed with an old one's scripts. */
function asset(text: string, contentType: string): Asset {
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("base64url").slice(0, 22);
  return { text, contentType, etag: `"${hash}"` };
}
