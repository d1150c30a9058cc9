import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Every way in which a web page of agentrt refuses or fails, as a closed list, with its HTTP status. */
export const PAGE_ERRORS = {
  HOST_NOT_ALLOWED: { status: 421, when: "the Host header names something else than this server" },
  CROSS_ORIGIN: { status: 403, when: "another site's page sent the request" },
  UNSUPPORTED_CONTENT_TYPE: { status: 415, when: "a change was sent as something else than JSON" },
  INVALID_REQUEST: { status: 400, when: "the path, query or body is not what the route takes" },
  NOT_FOUND: { status: 404, when: "there is no such path" },
  METHOD_NOT_ALLOWED: { status: 405, when: "the path does not take this method" },
  TOO_LARGE: { status: 413, when: "the request body is over its limit" },
  TOO_MANY: { status: 503, when: "as many viewers as are allowed are connected" },
  NOT_READY: { status: 503, when: "the service behind the page is not ready" },
  INTERNAL: { status: 500, when: "a defect in agentrt itself" },
} as const satisfies Record<string, { status: ContentfulStatusCode; when: string }>;

export type PageErrorCode = keyof typeof PAGE_ERRORS;

/** The body of every answer that is an error. */
export interface PageErrorBody {
  readonly error: { readonly code: PageErrorCode; readonly message: string };
}

/**
 * Answers with an error: `{"error":{"code":…,"message":…}}` and the status of the code.
 * @param message what is wrong and what to do, for a person; no internals, because strangers may read it
 */
export function pageError(c: Context, code: PageErrorCode, message: string): Response {
  return c.json({ error: { code, message } } satisfies PageErrorBody, PAGE_ERRORS[code].status);
}

/** The same where no Hono application is at work yet; carries the headers that `pageGuard` would set. */
export function bareErrorResponse(code: PageErrorCode, message: string): Response {
  return Response.json({ error: { code, message } } satisfies PageErrorBody, {
    status: PAGE_ERRORS[code].status,
    headers: {
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
