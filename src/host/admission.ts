import type { Metadata } from "@grpc/grpc-js";
import { AgentrtError } from "../core/errors.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import { CLIENT_ID_HEADER } from "../wire/autogen/service.ts";
import { toStatus } from "../wire/grpc-status.ts";
import type { Enrolment } from "./enrolment.ts";
import type { HostStream, Session } from "./session.ts";
import type { Sessions, SessionsParts } from "./sessions.ts";

/** Longer than any UUID; the id is kept, logged and shown. */
const MAX_CLIENT_ID_LENGTH = 128;

export interface AgentRpcParts extends SessionsParts {
  readonly sessions: Sessions;
  readonly enrolment: Enrolment;
  /** Told of each call, by the peer's `host:port`. */
  readonly onCall: (peer: string) => void;
  readonly isDraining: () => boolean;
  readonly tracing: MessageTracing | undefined;
}

/** The session of a new stream, or undefined when it was refused with a status. */
export function admit(
  parts: AgentRpcParts,
  stream: HostStream,
  readMetadata?: () => void,
): Session | undefined {
  const peer = stream.getPeer();
  parts.onCall(peer);
  try {
    assertNotDraining(parts);
    readMetadata?.();
    return parts.sessions.obtain(clientIdOf(stream.metadata), peer);
  } catch (thrown) {
    const error = AgentrtError.from(thrown);
    parts.incidents.record(error, peer);
    // A refused stream may break later, which is then nobody's concern.
    stream.on("error", () => undefined);
    stream.emit("error", toStatus(error));
    return undefined;
  }
}

export function badFrame(parts: AgentRpcParts, session: Session, error: AgentrtError): void {
  parts.totals.badFrames += 1;
  const { requestId, responseId } = error.data;
  if (typeof responseId === "string") {
    parts.incidents.record(error, session.clientId);
    parts.router.refuseAnswer(session, responseId, error);
  } else if (typeof requestId === "string" && requestId !== "") {
    parts.incidents.record(error, session.clientId);
    parts.router.refuse(session, requestId, error);
  } else if (error.data["isUnreadable"] === true) {
    // Bytes that are no frame at all: whatever this peer is, it does not speak the protocol.
    parts.sessions.expel(session, error);
  } else {
    parts.incidents.record(error, session.clientId);
  }
}

export function assertNotDraining(parts: AgentRpcParts): void {
  if (parts.isDraining()) {
    throw new AgentrtError("HOST_DRAINING", "The host is stopping. Connect again in a moment.");
  }
}

/** @throws AgentrtError `MISSING_CLIENT_ID`; the text for an absent one is AutoGen's own */
export function clientIdOf(metadata: Metadata): string {
  const values = metadata.get(CLIENT_ID_HEADER);
  const [clientId] = values;
  if (clientId === undefined) {
    throw new AgentrtError("MISSING_CLIENT_ID", "client-id metadata not found.");
  }
  const isUsable = typeof clientId === "string" && clientId.length <= MAX_CLIENT_ID_LENGTH;
  if (values.length > 1 || !isUsable || clientId.trim() === "") {
    throw new AgentrtError(
      "MISSING_CLIENT_ID",
      `The client-id metadata must be one text of 1 to ${MAX_CLIENT_ID_LENGTH} characters, such as a UUID.`,
    );
  }
  return clientId;
}

/** Tells the sessions when the worker's stream is over, and how it ended. */
export function watchEnd(sessions: Sessions, session: Session, stream: HostStream): void {
  // A stream that breaks ends too, and says only after this turn of the event loop that it broke.
  stream.on("end", () => {
    setImmediate(() => sessions.left(session, stream, stream.cancelled ? "lost" : "left"));
  });
  stream.on("cancelled", () => sessions.left(session, stream, "lost"));
  stream.on("error", () => sessions.left(session, stream, "lost"));
}
