import type { Envelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";

export interface HeaderLimits {
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

/** @throws AgentrtError `TOO_MANY` or `TOO_LARGE`; `data.requestId` is there for a call, whose caller waits */
export function assertHeadersFit(envelope: Envelope, limits: HeaderLimits): void {
  let count = 0;
  let bytes = 0;
  for (const name in envelope.headers) {
    count += 1;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(envelope.headers[name] ?? "");
  }
  const data = envelope.kind === "request" ? { requestId: envelope.id } : {};
  if (count > limits.maxHeaders) {
    throw new AgentrtError(
      "TOO_MANY",
      `The message has ${count} headers; the host takes ${limits.maxHeaders} (max-headers).`,
      { data: { ...data, limit: limits.maxHeaders } },
    );
  }
  if (bytes > limits.maxHeaderBytes) {
    throw new AgentrtError(
      "TOO_LARGE",
      `The headers of the message have ${bytes} bytes; the host takes ${limits.maxHeaderBytes} (max-header-size).`,
      { data: { ...data, limit: limits.maxHeaderBytes } },
    );
  }
}
