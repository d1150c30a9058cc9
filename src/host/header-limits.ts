import type { Headers, RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";

export interface HeaderLimits {
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

/** A message, or the route of a batch. */
type Headed =
  | RequestEnvelope
  | ResponseEnvelope
  | { readonly kind: "event"; readonly headers: Headers };

/**
 * @throws AgentrtError `TOO_MANY` or `TOO_LARGE`; because somebody waits, `data.requestId` is there for a
 *   call and `data.responseId` for an answer
 */
export function assertHeadersFit(envelope: Headed, limits: HeaderLimits): void {
  let count = 0;
  let bytes = 0;
  for (const name in envelope.headers) {
    count += 1;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(envelope.headers[name] ?? "");
  }
  if (count <= limits.maxHeaders && bytes <= limits.maxHeaderBytes) {
    return;
  }
  const { data, what } = describe(envelope);
  if (count > limits.maxHeaders) {
    throw new AgentrtError(
      "TOO_MANY",
      `The ${what} has ${count} headers; the host takes ${limits.maxHeaders} (max-headers).`,
      { data: { ...data, limit: limits.maxHeaders } },
    );
  }
  throw new AgentrtError(
    "TOO_LARGE",
    `The headers of the ${what} have ${bytes} bytes; the host takes ${limits.maxHeaderBytes} (max-header-size).`,
    { data: { ...data, limit: limits.maxHeaderBytes } },
  );
}

function describe(envelope: Headed): {
  readonly what: string;
  readonly data: Readonly<Record<string, string>>;
} {
  switch (envelope.kind) {
    case "event":
      return { what: "message", data: {} };
    case "request":
      return { what: "message", data: { requestId: envelope.id } };
    case "response":
      return { what: "answer", data: { responseId: envelope.id } };
    default:
      throw envelope satisfies never;
  }
}
