import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Context, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { shorten } from "../core/agent-id.ts";
import { isLoopbackHost } from "./listen-rule.ts";
import { pageError } from "./page-error.ts";

/** What a request handler knows of the server that it runs in. */
export interface PageInfo {
  /** The host listened on, without brackets; a wildcard such as `0.0.0.0` stays as it is. */
  readonly host: string;
  /** The port really listened on. */
  readonly port: number;
  /** Aborted when the server begins to stop; long answers such as event streams must end then. */
  readonly stopping: AbortSignal;
}

/** Hono bindings that `startPageServer` gives: `new Hono<{ Bindings: PageBindings }>()`. */
export interface PageBindings {
  readonly page: PageInfo;
}

export interface PageGuardOptions {
  /**
   * Further values of the Host header to accept, for a proxy, a forwarded port or a name in the
   * local DNS: `house.example` (any port) or `localhost:9000` (this port).
   */
  readonly allowedHosts?: readonly string[] | undefined;
}

/** A Host header: a name, an IPv4 address, or IPv6 in brackets; then perhaps a port. */
const HOST_HEADER = /^(\[[\da-f:.]+\]|[a-z\d._-]+)(?::(\d{1,5}))?$/i;
const WILDCARD_HOSTS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

const setHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    manifestSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    // No script of ours writes HTML, so nothing that a peer named can become markup.
    requireTrustedTypesFor: ["'script'"],
    trustedTypes: ["'none'"],
  },
  permissionsPolicy: {
    accelerometer: [],
    camera: [],
    displayCapture: [],
    geolocation: [],
    gyroscope: [],
    magnetometer: [],
    microphone: [],
    midi: [],
    payment: [],
    usb: [],
  },
  xFrameOptions: "DENY",
  // Plain HTTP: a browser that remembered HTTPS for "localhost" would lock out every other local server.
  strictTransportSecurity: false,
});

/**
 * The rules that both web pages share, as the first middleware of an application:
 * - strict security headers on every answer, errors included, and `Cache-Control: no-store`
 *   unless the handler chose another;
 * - the Host header must name this server, else 421 `HOST_NOT_ALLOWED`. It stops DNS rebinding,
 *   where a hostile page's own name is made to resolve to this machine;
 * - a page of another origin may open the page in a tab of its own, and nothing else: no read, no
 *   embedding, no change, no event stream (403 `CROSS_ORIGIN`). CORS is never opened;
 * - what may change something (any method but GET, HEAD, OPTIONS) must be sent as
 *   `application/json`, which no HTML form can (415 `UNSUPPORTED_CONTENT_TYPE`).
 *
 * Programs that are no browser send neither Origin nor Sec-Fetch-Site and pass.
 * Outside `startPageServer` (as in `app.request()`), no port is known and every port passes.
 */
export function pageGuard(options: PageGuardOptions = {}): MiddlewareHandler {
  const allowed = new Set((options.allowedHosts ?? []).map((host) => host.toLowerCase()));
  return async (c, next) =>
    setHeaders(c, async () => {
      const refusal = refuseHost(c, allowed) ?? refuseOrigin(c) ?? refuseContentType(c);
      if (refusal === undefined) {
        await next();
      } else {
        c.res = refusal;
      }
      if (!c.res.headers.has("cache-control")) {
        c.res.headers.set("cache-control", "no-store");
      }
    });
}

function refuseHost(c: Context, allowed: ReadonlySet<string>): Response | undefined {
  const header = hostOf(c);
  const parts = HOST_HEADER.exec(header);
  const name = parts?.[1]?.toLowerCase();
  if (name !== undefined) {
    // Without a port the browser went to 80; behind a TLS proxy the name must be declared anyway.
    const port = Number(parts?.[2] ?? 80);
    const page = pageInfoOf(c);
    const isOwnPort = page === undefined || page.port === port;
    if (
      allowed.has(name) ||
      allowed.has(`${name}:${port}`) ||
      (isOwnPort && (isLoopbackHost(name) || isListenedOn(name, page?.host)))
    ) {
      return undefined;
    }
  }
  return pageError(
    c,
    "HOST_NOT_ALLOWED",
    `This server does not answer for the host "${shorten(header)}". Open it by the address it ` +
      "printed at start, or declare the name with --allowed-hosts.",
  );
}

/** The address listened on; for a wildcard any IP address, which no DNS answer can stand for, and the machine's name. */
function isListenedOn(name: string, listened: string | undefined): boolean {
  if (listened === undefined) {
    return false;
  }
  const bare = name.startsWith("[") ? name.slice(1, -1) : name;
  if (!WILDCARD_HOSTS.has(listened)) {
    return bare === listened.toLowerCase();
  }
  const machine = hostname().toLowerCase();
  return isIP(bare) !== 0 || bare === machine || bare === `${machine}.local`;
}

function refuseOrigin(c: Context): Response | undefined {
  const origin = c.req.header("origin");
  const site = c.req.header("sec-fetch-site");
  const isForeignOrigin = origin !== undefined && !isOwnOrigin(origin, hostOf(c));
  // Another port of this machine is "same-site", and as much a stranger as any other.
  const isForeignSite = site !== undefined && site !== "same-origin" && site !== "none";
  if (!isForeignOrigin && (!isForeignSite || isTopNavigation(c))) {
    return undefined;
  }
  return pageError(
    c,
    "CROSS_ORIGIN",
    "This server answers its own pages and local programs only, not the pages of other sites.",
  );
}

/** A link that a person followed to the page itself: the other site sees nothing of the answer. */
function isTopNavigation(c: Context): boolean {
  return (
    c.req.method === "GET" &&
    c.req.header("sec-fetch-mode") === "navigate" &&
    c.req.header("sec-fetch-dest") === "document" &&
    !c.req.path.startsWith("/api/")
  );
}

/** Both schemes are its own: a TLS proxy in front keeps the Host and changes the scheme. */
function isOwnOrigin(origin: string, host: string): boolean {
  const scheme = /^https?:(?=\/\/)/i.exec(origin)?.[0];
  if (scheme === undefined || !URL.canParse(origin) || !URL.canParse(`${scheme}//${host}`)) {
    return false;
  }
  return new URL(origin).host === new URL(`${scheme}//${host}`).host;
}

function refuseContentType(c: Context): Response | undefined {
  if (SAFE_METHODS.has(c.req.method)) {
    return undefined;
  }
  const type = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") {
    return undefined;
  }
  return pageError(
    c,
    "UNSUPPORTED_CONTENT_TYPE",
    'Send a JSON body with "content-type: application/json".',
  );
}

/** A page server passes no request on without the header; `app.request()` has the host in the URL. */
function hostOf(c: Context): string {
  return c.req.header("host") ?? new URL(c.req.url).host;
}

function pageInfoOf(c: Context): PageInfo | undefined {
  const bindings: Partial<PageBindings> | undefined = c.env;
  return bindings?.page;
}
