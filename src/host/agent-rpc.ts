import {
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { EventEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { decodeMessage } from "../wire/autogen/codec.ts";
import { decodeControl } from "../wire/autogen/control-codec.ts";
import { lastWillOf } from "../wire/autogen/last-will.ts";
import { HAND_OVER_HEADER, POLICY_HEADER } from "../wire/autogen/service.ts";
import {
  decodeAddSubscription,
  decodeRegisterAgent,
  decodeRemoveSubscription,
  EMPTY_ANSWER,
  encodeSubscriptions,
} from "../wire/autogen/unary-codec.ts";
import { capabilitiesIn, declareCapabilities } from "../wire/capabilities.ts";
import { toStatus } from "../wire/grpc-status.ts";
import {
  type AgentRpcParts,
  admit,
  assertNotDraining,
  badFrame,
  clientIdOf,
  watchEnd,
} from "./admission.ts";
import { assertHeadersFit } from "./header-limits.ts";
import type { HostStream } from "./session.ts";
import { tracedRoute } from "./traced-route.ts";

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
  watchEnd(sessions, session, stream);
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
