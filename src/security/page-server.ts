import { getLogger } from "@logtape/logtape";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { assertListenAllowed, formatListenAddress, type ListenAddress } from "./listen-rule.ts";
import { bareErrorResponse } from "./page-error.ts";
import type { PageBindings } from "./page-guard.ts";

const log = getLogger(["agentrt", "security"]);

/** Closes connections on which nothing moves, so that abandoned and frozen clients hold nothing. */
const IDLE_TIMEOUT_SECONDS = 60;
/** The longest silence of an event stream that the idle limit tolerates, with room to spare. */
export const MAX_STREAM_SILENCE_MS = (IDLE_TIMEOUT_SECONDS * 1_000) / 3;
const DEFAULT_MAX_BODY_BYTES = 64 * 1_024;
const DEFAULT_STOP_TIMEOUT_MS = 1_000;

/** What a page server serves; a Hono application made with {@link PageBindings} fits. */
export interface PageApp {
  fetch(request: Request, bindings: PageBindings): Response | Promise<Response>;
}

export interface PageServerOptions {
  /** `host:port`, such as `127.0.0.1:8080`; port 0 takes a free one. */
  readonly address: string;
  /** Allows to listen beyond loopback. Default: false. */
  readonly isInsecureAllowed?: boolean | undefined;
  /** Larger request bodies are answered 413 unread, so that nobody fills the memory. Default: 64 KiB. */
  readonly maxBodyBytes?: number | undefined;
}

export interface PageServer extends AsyncDisposable {
  /** Where to open the page, with the real port and without a trailing slash: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** `host:port` really listened on. */
  readonly address: string;
  /**
   * Accepts nothing more, aborts `page.stopping` (event streams end by it), lets other answers
   * finish, and closes what is still open after `timeoutMs` (default 1,000). Safe to call twice.
   */
  stop(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/**
 * Serves an application over HTTP until `stop()`.
 *
 * A connection is closed after 60 s in which nothing moved on it: an event stream must say
 * something at least every {@link MAX_STREAM_SILENCE_MS}.
 * @throws AgentrtError `INVALID_OPTION`, `LISTEN_REFUSED`, `ADDRESS_IN_USE`, `ADDRESS_NOT_ALLOWED`, `ADDRESS_NOT_HERE`
 */
export async function startPageServer(
  app: PageApp,
  options: PageServerOptions,
): Promise<PageServer> {
  const wanted = assertListenAllowed(options.address, options.isInsecureAllowed ?? false);
  const stopping = new AbortController();
  const inFlight = new Set<Promise<Response>>();

  const answer = async (request: Request, port: number): Promise<Response> => {
    // Bun passes on requests without a Host, or with one that is no host, with a relative URL.
    if (!URL.canParse(request.url)) {
      return bareErrorResponse("INVALID_REQUEST", "The request has no usable Host header.");
    }
    try {
      const page = { host: wanted.host, port, stopping: stopping.signal };
      return await app.fetch(request, { page });
    } catch (error) {
      log.error("page failed", { path: new URL(request.url).pathname, error: messageOf(error) });
      return bareErrorResponse("INTERNAL", "The page failed. The log of the process says why.");
    }
  };

  const server = listen(wanted, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES, (request, port) => {
    const answering = answer(request, port);
    inFlight.add(answering);
    return answering.finally(() => inFlight.delete(answering));
  });
  const bound: ListenAddress = { host: wanted.host, port: server.port ?? wanted.port };

  const shutDown = async (timeoutMs: number): Promise<void> => {
    stopping.abort();
    // Resolves when the last connection is done; idle ones are closed at once.
    const drained = server.stop(false);
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, timeoutMs);
    await Promise.race([Promise.all([drained, ...inFlight]), timeout.promise]);
    clearTimeout(timer);
    await server.stop(true);
  };
  let stopped: Promise<void> | undefined;
  const stop: PageServer["stop"] = ({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS } = {}) => {
    stopped ??= shutDown(timeoutMs);
    return stopped;
  };
  const address = formatListenAddress(bound);
  return Object.freeze({ url: `http://${address}`, address, stop, [Symbol.asyncDispose]: stop });
}

function listen(
  wanted: ListenAddress,
  maxBodyBytes: number,
  answer: (request: Request, port: number) => Promise<Response>,
): Bun.Server<undefined> {
  if (typeof Bun === "undefined") {
    throw new AgentrtError(
      "NEEDS_BUN",
      "The page server needs Bun. Under Node.js, serve the page with a server of your own.",
    );
  }
  try {
    return Bun.serve({
      hostname: wanted.host,
      port: wanted.port,
      development: false,
      // Outside development Bun would let a second process share the port, and answer half of the requests.
      reusePort: false,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      maxRequestBodySize: maxBodyBytes,
      fetch: (request, server) => answer(request, server.port ?? wanted.port),
    });
  } catch (error) {
    throw listenError(error, formatListenAddress(wanted));
  }
}

function listenError(error: unknown, address: string): AgentrtError {
  const options = { cause: error, data: { address } };
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new AgentrtError(
        "ADDRESS_IN_USE",
        `Another process listens on ${address}. Stop it, or choose another port.`,
        options,
      );
    case "EACCES":
    case "EPERM":
      return new AgentrtError(
        "ADDRESS_NOT_ALLOWED",
        `The system forbids to listen on ${address}. Choose a port above 1023.`,
        options,
      );
    case "EADDRNOTAVAIL":
    case "EINVAL":
      // Bun says EINVAL for a name that does not resolve.
      return new AgentrtError(
        "ADDRESS_NOT_HERE",
        `This machine does not have the address ${address}. Choose one of its own, such as 127.0.0.1.`,
        options,
      );
    default:
      return new AgentrtError(
        "INTERNAL",
        `Cannot listen on ${address}: ${messageOf(error)}`,
        options,
      );
  }
}
