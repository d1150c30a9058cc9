import { AgentId } from "../core/agent-id.ts";
import {
  EMPTY_PAYLOAD,
  ENVELOPE_OVERHEAD_BYTES,
  type RequestEnvelope,
  type ResponseEnvelope,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { priorityOf } from "../core/priority.ts";
import { encodeMessage } from "../wire/autogen/codec.ts";
import { CANCEL_HEADER } from "../wire/capabilities.ts";
import { CODE_HEADER, statusNameOf } from "../wire/grpc-status.ts";
import type { LinkedRequest, LinkedResponse } from "../wire/link/linked-calls.ts";
import { frameOf } from "./delivery.ts";
import { InboundAnswer, InboundCall, type PassedOn } from "./link/inbound-call.ts";
import type { OutboundFrame } from "./outbox.ts";
import type { CallId, PendingCall } from "./pending-calls.ts";
import type { Session } from "./session.ts";

/** A request has a target; the worker looks at the header alone. */
const CANCEL_TARGET = new AgentId("agentrt.host", "cancel");

/** A call for its target, by the host's id of it: the bytes that came where both speak agentrt's own dialect. */
export function frameOfRequest(
  request: RequestEnvelope,
  id: number,
  target: Session,
): OutboundFrame {
  return request instanceof InboundCall && target.dialect === "agentrt"
    ? passOn(request.passedOn(id))
    : frameOfCall(plainRequest(request, String(id)));
}

/** An answer for the caller, by the caller's id of it. */
export function frameOfAnswer(
  response: ResponseEnvelope,
  { requestId, caller }: PendingCall,
): OutboundFrame {
  const isPassedOn =
    response instanceof InboundAnswer &&
    typeof requestId === "number" &&
    caller.dialect === "agentrt";
  if (isPassedOn) {
    return passOn(response.passedOn(requestId));
  }
  const { error, headers, payload } = response;
  return frameOfCall({ kind: "response", id: String(requestId), error, headers, payload });
}

export function frameOfCall(envelope: RequestEnvelope | ResponseEnvelope): OutboundFrame {
  return frameOf(envelope, encodeMessage(envelope), priorityOf(envelope.headers));
}

/** A call with another id and, when they are given, other headers. */
export function plainRequest(
  { target, sender, method, headers, payload }: RequestEnvelope,
  id: string,
  otherHeaders = headers,
): RequestEnvelope {
  return { kind: "request", id, target, sender, method, headers: otherHeaders, payload };
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
  const id = String(hostId);
  const request: RequestEnvelope = {
    ...{ kind: "request", id, target: CANCEL_TARGET, sender: undefined, method: "" },
    headers: { [CANCEL_HEADER]: id },
    payload: EMPTY_PAYLOAD,
  };
  return frameOf(request, encodeMessage(request), priority);
}

/** The text begins with gRPC's name for the failure, for callers that know nothing of our codes. */
export function errorResponse(requestId: CallId, error: AgentrtError): ResponseEnvelope {
  return {
    kind: "response",
    id: String(requestId),
    error: `${statusNameOf(error.code)}: ${error.message}`,
    headers: { [CODE_HEADER]: error.code },
    payload: EMPTY_PAYLOAD,
  };
}

function passOn({ envelope, out, bytes }: PassedOn<LinkedRequest | LinkedResponse>): OutboundFrame {
  const size = ENVELOPE_OVERHEAD_BYTES + bytes.byteLength;
  return { envelope, out, bytes, priority: priorityOf(envelope.headers), size };
}
