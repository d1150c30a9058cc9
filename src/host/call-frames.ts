import { AgentId } from "../core/agent-id.ts";
import { EMPTY_PAYLOAD, type RequestEnvelope, type ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { priorityOf } from "../core/priority.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";
import { CODE_HEADER, statusNameOf } from "../wire/grpc-status.ts";
import { frameOf } from "./delivery.ts";
import type { OutboundFrame } from "./outbox.ts";
import type { PendingCall } from "./pending-calls.ts";

/** A request has a target; the worker looks at the header alone. */
const CANCEL_TARGET = new AgentId("agentrt.host", "cancel");

export function frameOfCall(envelope: RequestEnvelope | ResponseEnvelope): OutboundFrame {
  return frameOf(envelope, encodeMessage(envelope), priorityOf(envelope.headers));
}

export function noSuchAgent(request: RequestEnvelope): AgentrtError {
  return new AgentrtError(
    "NO_SUCH_AGENT",
    `No connected worker holds agent type "${request.target.type}". Start one that registers it.`,
    { data: { agentType: request.target.type } },
  );
}

export function errorFree(requestId: string): ResponseEnvelope {
  return { kind: "response", id: requestId, error: "", headers: {}, payload: EMPTY_PAYLOAD };
}

/**
 * Tells the worker of a call that nobody waits for it any more. With the call's own priority, so that
 * it does not overtake the call.
 */
export function cancelFrame({ hostId, priority }: PendingCall): OutboundFrame {
  const request: RequestEnvelope = {
    ...{ kind: "request", id: hostId, target: CANCEL_TARGET, sender: undefined, method: "" },
    headers: { [CANCEL_HEADER]: hostId },
    payload: EMPTY_PAYLOAD,
  };
  return frameOf(request, encodeMessage(request), priority);
}

/** The text begins with gRPC's name for the failure, for callers that know nothing of our codes. */
export function errorResponse(requestId: string, error: AgentrtError): ResponseEnvelope {
  return {
    kind: "response",
    id: requestId,
    error: `${statusNameOf(error.code)}: ${error.message}`,
    headers: { [CODE_HEADER]: error.code },
    payload: EMPTY_PAYLOAD,
  };
}
