import {
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { EventEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import { decodeMessage } from "../wire/autogen/codec.ts";
import { decodeControl } from "../wire/autogen/control-codec.ts";
import { lastWillOf } from "../wire/autogen/last-will.ts";
import { CLIENT_ID_HEADER, HAND_OVER_HEADER, POLICY_HEADER } from "../wire/autogen/service.ts";
import {
  decodeAddSubscription,
  decodeRegisterAgent,
  decodeRemoveSubscription,
  EMPTY_ANSWER,
  encodeSubscriptions,
} from "../wire/autogen/unary-codec.ts";
import { capabilitiesIn, declareCapabilities } from "../wire/capabilities.ts";
import { toStatus } from "../wire/grpc-status.ts";
import type { Enrolment } from "./enrolment.ts";
import { assertHeadersFit } from "./header-limits.ts";
import type { HostStream, Session } from "./session.ts";
import type { Sessions, SessionsParts } from "./sessions.ts";
import { tracedRoute } from "./traced-route.ts";

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

type UnaryCall = ServerUnaryCall<Uint8Array, Uint8Array>;

/** The handlers of AutoGen's service: who calls, what is it, pass it on. */
export function createAgentRpc(parts: AgentRpcParts): UntypedServiceImplementation {
  const { enrolment, registry, sessions, totals } = parts;
  return {
    OpenChannel: (stream: HostStream) => openChannel(parts, stream),
    OpenControlChannel: (stream: HostStream) => openControlChannel(parts, stream),
    RegisterAgent: unary(parts, (call, clientId) => {
      const type = decodeRegisterAgent(call.request);
      const [policy] = call.metadata.get(POLICY_HEADER);
      const session = sessions.obtain(clientId, call.getPeer());
      session.canHandOver = call.metadata.get(HAND_OVER_HEADER).length > 0;
      enrolment.registerAgentType(session, type, policy === undefined ? undefined : String(policy));
      return EMPTY_ANSWER;
    }),
    AddSubscription: unary(parts, (call, clientId) => {
      const subscription = decodeAddSubscription(call.request);
      enrolment.addSubscription(sessions.obtain(clientId, call.getPeer()), subscription);
      return EMPTY_ANSWER;
    }),
    RemoveSubscription: unary(parts, (call) => {
      enrolment.removeSubscription(decodeRemoveSubscription(call.request));
      return EMPTY_ANSWER;
    }),
    GetSubscriptions: unary(parts, () => {
      const bytes = encodeSubscriptions(registry.subscriptions);
      totals.bytesOut += bytes.byteLength;
      return bytes;
    }),
  };
}

function unary(
  parts: AgentRpcParts,
  handle: (call: UnaryCall, clientId: string) => Uint8Array,
): handleUnaryCall<Uint8Array, Uint8Array> {
  return (call, reply) => {
    const peer = call.getPeer();
    parts.onCall(peer);
    parts.totals.bytesIn += call.request.byteLength;
    try {
      assertNotDraining(parts);
      reply(null, handle(call, clientIdOf(call.metadata)));
    } catch (thrown) {
      const error = AgentrtError.from(thrown);
      parts.incidents.record(error, peer);
      reply(toStatus(error));
    }
  };
}

function openChannel(parts: AgentRpcParts, stream: HostStream): void {
  let will: EventEnvelope | undefined;
  const session = admit(parts, stream, () => {
    will = lastWillOf(stream.metadata);
  });
  if (session === undefined) {
    return;
  }
  const { router, sessions, totals } = parts;
  session.lastWill = will;
  stream.on("data", (bytes: Uint8Array) => {
    totals.bytesIn += bytes.byteLength;
    if (!session.isCurrent(stream)) {
      return;
    }
    session.messagesIn += 1;
    session.bytesIn += bytes.byteLength;
    try {
      const envelope = decodeMessage(bytes);
      assertHeadersFit(envelope, parts.options);
      tracedRoute(parts.tracing, parts.options.maxMessageBytes, envelope, (message) =>
        router.route(message, session),
      );
    } catch (thrown) {
      badFrame(parts, session, AgentrtError.from(thrown));
    }
  });
  // A stream that breaks ends too, and says only after this turn of the event loop that it broke.
  stream.on("end", () => {
    setImmediate(() => sessions.left(session, stream, stream.cancelled ? "lost" : "left"));
  });
  stream.on("cancelled", () => sessions.left(session, stream, "lost"));
  stream.on("error", () => sessions.left(session, stream, "lost"));
  session.capabilities = capabilitiesIn(stream.metadata);
  // AutoGen's Python worker waits for the headers before it does anything else.
  stream.sendMetadata(declareCapabilities());
  sessions.connected(session, stream, stream.getPeer());
}

function openControlChannel(parts: AgentRpcParts, stream: HostStream): void {
  const session = admit(parts, stream);
  if (session === undefined) {
    return;
  }
  stream.on("data", (bytes: Uint8Array) => {
    parts.totals.bytesIn += bytes.byteLength;
    if (!session.isCurrentControl(stream)) {
      return;
    }
    try {
      parts.controlRouter.route(decodeControl(bytes), bytes);
    } catch (thrown) {
      badFrame(parts, session, AgentrtError.from(thrown));
    }
  });
  const leave = (): void => {
    session.disconnectControl(stream);
    parts.sessions.endStream(stream);
  };
  stream.on("end", leave);
  stream.on("cancelled", leave);
  stream.on("error", leave);
  stream.sendMetadata(new Metadata());
  const replaced = session.connectControl(stream);
  if (replaced !== undefined) {
    parts.sessions.endStream(replaced);
  }
}

/** The session of a new stream, or undefined when it was refused with a status. */
function admit(
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

function badFrame(parts: AgentRpcParts, session: Session, error: AgentrtError): void {
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

function assertNotDraining(parts: AgentRpcParts): void {
  if (parts.isDraining()) {
    throw new AgentrtError("HOST_DRAINING", "The host is stopping. Connect again in a moment.");
  }
}

/** @throws AgentrtError `MISSING_CLIENT_ID`; the text for an absent one is AutoGen's own */
function clientIdOf(metadata: Metadata): string {
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
