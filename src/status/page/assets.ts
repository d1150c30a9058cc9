import baseStyle from "./base.status.css" with { type: "text" };
import formatScript from "./format.status.js" with { type: "text" };
import listsScript from "./lists.status.js" with { type: "text" };
import liveScript from "./live.status.js" with { type: "text" };
import tablesStyle from "./tables.status.css" with { type: "text" };
import tablesScript from "./tables.status.js" with { type: "text" };
import tilesStyle from "./tiles.status.css" with { type: "text" };
import tilesScript from "./tiles.status.js" with { type: "text" };

export interface PageAsset {
  readonly path: string;
  readonly contentType: string;
  readonly text: string;
}

const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** The files of the page beside its HTML; they are part of the program. */
export const PAGE_ASSETS: readonly PageAsset[] = [
  { path: "/status.css", contentType: CSS, text: `${baseStyle}${tilesStyle}${tablesStyle}` },
  { path: "/live.status.js", contentType: SCRIPT, text: liveScript },
  { path: "/tiles.status.js", contentType: SCRIPT, text: tilesScript },
  { path: "/lists.status.js", contentType: SCRIPT, text: listsScript },
  { path: "/tables.status.js", contentType: SCRIPT, text: tablesScript },
  { path: "/format.status.js", contentType: SCRIPT, text: formatScript },
];
