import { getLogger } from "@logtape/logtape";
import { AgentrtError, type PageBindings, pageError, pageGuard } from "agentrt";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as v from "valibot";
import { cut, DEVICES, type DeviceName, SWITCH_STATES, type SwitchState } from "../messages.ts";
import { findAsset } from "./assets.ts";
import type { EventStreams } from "./event-streams.ts";
import type { House } from "./house.ts";
import { renderPage } from "./page.ts";
import { chooseLanguage } from "./texts.ts";

const logger = getLogger(["agentrt", "agents", "ui"]);

const MAX_BODY_BYTES = 4 * 1_024;

/** What a person can do on the page. Each resolves when the message is on its way. */
export interface HomeActions {
  command(room: string, device: DeviceName, state: SwitchState): Promise<void>;
  testAlert(room: string): Promise<void>;
}

export interface UiAppParts {
  readonly house: House;
  readonly streams: EventStreams;
  readonly actions: HomeActions;
  readonly options: {
    readonly allowedHosts: readonly string[];
    readonly confirmTimeoutMs: number;
  };
}

const room = v.string("must be the name of a room");
const CommandBody = v.strictObject({
  room,
  device: v.picklist(DEVICES, `must be one of ${DEVICES.join(", ")}`),
  state: v.picklist(SWITCH_STATES, `must be ${SWITCH_STATES.join(" or ")}`),
});
const TestBody = v.strictObject({ room });

/** The page of the house and what it talks to. Knows no agent: what it shows and does is given. */
export function createUiApp(parts: UiAppParts): Hono<{ Bindings: PageBindings }> {
  const { house, streams, actions, options } = parts;
  const app = new Hono<{ Bindings: PageBindings }>();
  app.use(pageGuard({ allowedHosts: options.allowedHosts }));
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => pageError(c, "TOO_LARGE", `The body is over ${MAX_BODY_BYTES} bytes.`),
    }),
  );

  app.get("/", (c) => {
    const language = chooseLanguage(c.req.query("lang"), c.req.header("accept-language"));
    c.header("vary", "accept-language");
    return c.html(renderPage(language, options.confirmTimeoutMs));
  });

  app.get("/assets/:name", (c) => {
    const asset = findAsset(c.req.param("name"));
    if (asset === undefined) {
      return c.notFound();
    }
    const headers = { etag: asset.etag, "cache-control": "no-cache" };
    if (c.req.header("if-none-match") === asset.etag) {
      return c.body(null, 304, headers);
    }
    return c.body(asset.text, 200, { ...headers, "content-type": asset.contentType });
  });

  app.get("/api/state", (c) => c.json(house.snapshot()));

  app.get("/api/events", (c) => {
    // No bindings in app.request(), whatever the type says.
    const bindings: Partial<PageBindings> | undefined = c.env;
    const stream = streams.open(bindings?.page?.stopping);
    if (stream === undefined) {
      return pageError(c, "TOO_MANY", "Too many pages are open. Close one and try again.");
    }
    return c.body(stream, 200, { "content-type": "text/event-stream; charset=utf-8" });
  });

  app.post("/api/commands", async (c) => {
    const body = await readBody(c, CommandBody);
    if (body instanceof Response) {
      return body;
    }
    const { device, state } = body;
    return await act(c, house, body.room, () => actions.command(body.room, device, state));
  });

  app.post("/api/security-test", async (c) => {
    const body = await readBody(c, TestBody);
    if (body instanceof Response) {
      return body;
    }
    return await act(c, house, body.room, () => actions.testAlert(body.room));
  });

  app.notFound((c) => pageError(c, "NOT_FOUND", "There is nothing here. The page is at /."));
  app.onError((error, c) => {
    logger.error("a request failed", { path: c.req.path, error: error.message });
    return pageError(c, "INTERNAL", "The request failed. The log of the process says why.");
  });
  return app;
}

/** Sends what a person asked for, to a room that exists: others would only make agents for nothing. */
async function act(
  c: Context,
  house: House,
  roomName: string,
  action: () => Promise<void>,
): Promise<Response> {
  if (!house.hasRoom(roomName)) {
    return pageError(c, "NOT_FOUND", `There is no room "${cut(roomName, 80)}".`);
  }
  try {
    await action();
  } catch (error) {
    const { code, message } = AgentrtError.from(error);
    logger.warn("a command could not be sent", { room: roomName, code, error: message });
    return pageError(c, "NOT_READY", "The command could not be sent: the host is away. Try again.");
  }
  // The state that counts comes later, through the event stream.
  return c.json({ status: "sent" }, 202);
}

async function readBody<S extends v.GenericSchema>(
  c: Context,
  schema: S,
): Promise<v.InferOutput<S> | Response> {
  let json: unknown;
  try {
    json = await c.req.json();
  } catch {
    return pageError(c, "INVALID_REQUEST", "The body is not JSON.");
  }
  const result = v.safeParse(schema, json);
  if (result.success) {
    return result.output;
  }
  const [issue] = result.issues;
  const field = v.getDotPath(issue) ?? "body";
  return pageError(c, "INVALID_REQUEST", `${cut(field, 80)}: ${cut(issue.message)}`);
}
