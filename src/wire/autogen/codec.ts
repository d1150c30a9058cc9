import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { AgentId } from "../../core/agent-id.ts";
import type { Envelope, RequestEnvelope, ResponseEnvelope } from "../../core/envelope.ts";
import { AgentrtError, messageOf } from "../../core/errors.ts";
import { type Message, MessageSchema } from "../gen/agents/agent_worker_pb.ts";
import {
  type AgentIdFields,
  type PayloadFields,
  type RequestFields,
  type ResponseFields,
  scanRequest,
  scanResponse,
} from "./call-scan.ts";
import { writeRequest, writeResponse } from "./call-writer.ts";
import { decodeEvent, encodeEvent } from "./event-codec.ts";
import { scanEvent } from "./event-scan.ts";
import { FIELD, FieldScanner } from "./field-scanner.ts";

/** A host keeps the id of each call in flight; AutoGen's are numbers and UUIDs. */
const MAX_REQUEST_ID_LENGTH = 255;

/**
 * Reads one frame of OpenChannel. Payloads are views into `bytes`, not copies.
 * @throws AgentrtError `BAD_FRAME`, `INVALID_TOPIC`, `INVALID_AGENT_ID`; `data.requestId` names the call
 *   that the frame would have been, so that its caller can be told; `data.isUnreadable` marks bytes
 *   that are no frame at all
 */
export function decodeMessage(bytes: Uint8Array): Envelope {
  return scanMessage(bytes) ?? decodeByLibrary(bytes);
}

/**
 * The usual frame, read where it lies: undefined when the library is to say what it is.
 * @throws AgentrtError as {@link decodeMessage}
 */
export function scanMessage(bytes: Uint8Array): Envelope | undefined {
  const scanner = new FieldScanner(bytes);
  const tag = scanner.next(0, bytes.byteLength);
  const { start, end } = scanner;
  // More behind it would be merged with it or replace it.
  if (end !== bytes.byteLength) {
    return undefined;
  }
  switch (tag) {
    case FIELD.one: {
      const request = scanRequest(scanner, start, end);
      return request && decodeRequest(request);
    }
    case FIELD.two: {
      const response = scanResponse(scanner, start, end);
      return response && decodeResponse(response);
    }
    case FIELD.three:
      return scanEvent(scanner, start, end);
    default:
      return undefined;
  }
}

/**
 * Any frame, by the library: what {@link scanMessage} is measured by.
 * @throws AgentrtError as {@link decodeMessage}
 */
export function decodeByLibrary(bytes: Uint8Array): Envelope {
  const { message } = parse(bytes);
  switch (message.case) {
    case "cloudEvent":
      return decodeEvent(message.value, bytes);
    case "request":
      return decodeRequest(message.value);
    case "response":
      return decodeResponse(message.value);
    case undefined:
      throw new AgentrtError(
        "BAD_FRAME",
        "The frame holds neither a request, a response nor an event.",
      );
    default:
      throw message satisfies never;
  }
}

/** Writes one frame of OpenChannel; an event that came in this dialect gives back the very bytes it came as. */
export function encodeMessage(envelope: Envelope): Uint8Array {
  switch (envelope.kind) {
    case "event":
      return envelope.wireForm?.bytes ?? toBinary(MessageSchema, encodeEvent(envelope));
    case "request":
      return writeRequest(envelope);
    case "response":
      return writeResponse(envelope);
    default:
      throw envelope satisfies never;
  }
}

function parse(bytes: Uint8Array): Message {
  try {
    return fromBinary(MessageSchema, bytes);
  } catch (error) {
    throw new AgentrtError(
      "BAD_FRAME",
      `The frame is not an agents.Message: ${messageOf(error)}. Check that the peer speaks AutoGen's protocol.`,
      { cause: error, data: { isUnreadable: true } },
    );
  }
}

function decodeRequest(request: RequestFields): RequestEnvelope {
  if (request.requestId === "" || request.requestId.length > MAX_REQUEST_ID_LENGTH) {
    throw new AgentrtError(
      "BAD_FRAME",
      `The request has no request_id of 1 to ${MAX_REQUEST_ID_LENGTH} characters, so it is never answered.`,
    );
  }
  try {
    if (request.target === undefined) {
      throw new AgentrtError("BAD_FRAME", "The request has no target agent.");
    }
    return {
      kind: "request",
      id: request.requestId,
      target: decodeAgentId(request.target),
      sender: request.source === undefined ? undefined : decodeSender(request.source),
      method: request.method,
      headers: request.metadata,
      payload: decodePayload(request.payload),
    };
  } catch (error) {
    const cause = AgentrtError.from(error, "BAD_FRAME");
    throw new AgentrtError(cause.code, cause.message, {
      cause,
      data: { requestId: request.requestId },
    });
  }
}

function decodeResponse(response: ResponseFields): ResponseEnvelope {
  if (response.requestId === "") {
    throw new AgentrtError("BAD_FRAME", "The response has no request_id, so it answers nothing.");
  }
  // A Python handler that raises without a text (a bare assert) answers with neither error nor payload,
  // where a result always has a payload: it must not look like a success.
  const isSilentFailure = response.error === "" && response.payload === undefined;
  return {
    kind: "response",
    id: response.requestId,
    error: isSilentFailure ? "The agent's handler failed without saying why." : response.error,
    headers: response.metadata,
    payload: decodePayload(response.payload),
  };
}

function decodeAgentId(id: AgentIdFields): AgentId {
  return new AgentId(id.type, id.key);
}

function decodeSender(id: AgentIdFields): AgentId | undefined {
  return id.type === "" && id.key === "" ? undefined : decodeAgentId(id);
}

function decodePayload(payload: PayloadFields | undefined): Envelope["payload"] {
  return {
    dataType: payload?.dataType ?? "",
    contentType: payload?.dataContentType ?? "",
    data: payload?.data ?? new Uint8Array(0),
  };
}
