import { getLogger } from "@logtape/logtape";
import { type Context, Hono } from "hono";
import type { LanguageVariables } from "hono/language";
import { languageDetector } from "hono/language";
import { methodNotAllowed } from "hono/method-not-allowed";
import { streamSSE } from "hono/streaming";
import { messageOf } from "../core/errors.ts";
import type { HostReport } from "../core/host-report.ts";
import { isLoopbackHost } from "../security/listen-rule.ts";
import { pageError } from "../security/page-error.ts";
import { type PageBindings, pageGuard } from "../security/page-guard.ts";
import { type PageServer, startPageServer } from "../security/page-server.ts";
import { renderHostMetrics } from "./host-metrics.ts";
import { PAGE_ASSETS } from "./page/assets.ts";
import { renderPage } from "./page/render-page.ts";
import { LANGUAGES, languageOf } from "./page/texts.ts";
import { renderProcessMetrics } from "./process-metrics.ts";
import { StatusEvents } from "./status-events.ts";
import { resolveStatusOptions, type StatusOptionsInput } from "./status-options.ts";
import { type ViewQuery, viewOf } from "./status-view.ts";

const log = getLogger(["agentrt", "status"]);

const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";
const MAX_FILTER_LENGTH = 200;
/** Entries of each list in a live report, where the viewer asks for no other number. */
const LIVE_LIMIT = 100;
const MAX_LIVE_LIMIT = 1_000;

type StatusEnv = { Bindings: PageBindings; Variables: LanguageVariables };
export type StatusApp = Hono<StatusEnv>;

/**
 * The status page of a host as a Hono application; `docs/status-api.md` describes its routes.
 *
 * Nothing that goes wrong here reaches the host: when `source` throws, the answer is
 * 500 `INTERNAL` and the log has the cause.
 * @param source called for each answer and, while somebody looks at the page, at each interval
 * @throws AgentrtError `INVALID_OPTION`
 */
export function createStatusApp(
  source: () => HostReport,
  input: StatusOptionsInput = {},
): StatusApp {
  const options = resolveStatusOptions(input);
  const events = new StatusEvents(source, options);
  const app: StatusApp = new Hono();

  app.use(pageGuard({ allowedHosts: options.allowedHosts }));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        c.header("Allow", methods.join(", "));
        return pageError(c, "METHOD_NOT_ALLOWED", `This path takes ${methods.join(", ")} only.`);
      },
    }),
  );

  app.get(
    "/",
    languageDetector({
      supportedLanguages: [...LANGUAGES],
      fallbackLanguage: "en",
      order: ["querystring", "header"],
      caches: false,
    }),
    (c) => {
      c.header("Vary", "Accept-Language");
      return c.html(renderPage(languageOf(c.get("language")), isExposed(c)));
    },
  );
  for (const asset of PAGE_ASSETS) {
    app.get(asset.path, (c) => c.body(asset.text, 200, { "content-type": asset.contentType }));
  }

  app.get("/api/status", (c) => {
    const query = readQuery(c, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    return typeof query === "string"
      ? pageError(c, "INVALID_REQUEST", query)
      : c.json(viewOf(source(), { ...query, isBrief: false }));
  });
  app.get("/api/events", (c) => {
    const query = readQuery(c, LIVE_LIMIT, MAX_LIVE_LIMIT);
    if (typeof query === "string") {
      return pageError(c, "INVALID_REQUEST", query);
    }
    if (events.isFull) {
      return pageError(
        c,
        "TOO_MANY",
        `${events.viewers} live connections are open, which is the limit. Close a page or try later.`,
      );
    }
    // Hono answers HEAD by GET and drops the body, which nobody would then end.
    if (c.req.method === "HEAD") {
      return c.body(null, 200, { "content-type": "text/event-stream" });
    }
    return streamSSE(
      c,
      (stream) => events.serve(stream, { ...query, isBrief: true }, pageOf(c)?.stopping),
      async (error) => log.error("live report failed", { error: messageOf(error) }),
    );
  });

  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const { state } = source();
    return state === "ready"
      ? c.json({ state })
      : pageError(c, "NOT_READY", `The host is ${state}.`);
  });
  app.get("/metrics", async (c) => {
    const text = `${await renderHostMetrics(source())}${await renderProcessMetrics()}`;
    return c.body(text, 200, { "content-type": PROMETHEUS_TEXT });
  });

  app.notFound((c) => pageError(c, "NOT_FOUND", "There is no such path. Begin at /."));
  app.onError((error, c) => {
    log.error("status page failed", { path: c.req.path, error: messageOf(error) });
    return pageError(c, "INTERNAL", "The host cannot report. Its log says why.");
  });
  return app;
}

export interface StatusPageOptions extends StatusOptionsInput {
  /** `host:port` to listen on, such as `127.0.0.1:8080`; port 0 takes a free one. */
  readonly address: string;
  /** Allows to listen beyond loopback. Default: false. */
  readonly isInsecureAllowed?: boolean | undefined;
}

/**
 * Serves the status page until `stop()`.
 * @throws AgentrtError `INVALID_OPTION`, `LISTEN_REFUSED`, `ADDRESS_IN_USE`, `ADDRESS_NOT_ALLOWED`, `ADDRESS_NOT_HERE`
 */
export async function startStatusPage(
  source: () => HostReport,
  options: StatusPageOptions,
): Promise<PageServer> {
  return startPageServer(createStatusApp(source, options), {
    address: options.address,
    isInsecureAllowed: options.isInsecureAllowed,
  });
}

/** What the query asks for, or a sentence that says what is wrong with it. */
function readQuery(
  c: Context,
  defaultLimit: number,
  maxLimit: number,
): Omit<ViewQuery, "isBrief"> | string {
  const filter = (c.req.query("filter") ?? "").trim();
  if (filter.length > MAX_FILTER_LENGTH) {
    return `The filter has more than ${MAX_FILTER_LENGTH} characters.`;
  }
  const limit = c.req.query("limit");
  if (limit === undefined) {
    return { filter, limit: defaultLimit };
  }
  if (!/^\d{1,9}$/.test(limit)) {
    return "The limit is not a whole number.";
  }
  return { filter, limit: Math.min(Number(limit), maxLimit) };
}

/** True when the page itself listens beyond loopback. */
function isExposed(c: Context): boolean {
  const page = pageOf(c);
  return page !== undefined && !isLoopbackHost(page.host);
}

/** Absent in `app.request()`. */
function pageOf(c: Context): PageBindings["page"] | undefined {
  const bindings: Partial<PageBindings> | undefined = c.env;
  return bindings?.page;
}
