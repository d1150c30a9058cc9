import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { shorten } from "../core/agent-id.ts";
import { AgentrtError, ERROR_CODES, type ErrorCode, messageOf } from "../core/errors.ts";
import { decodeErrorData, encodeErrorData } from "./error-data.ts";

/** Trailer and RPC metadata entry that carries the exact agentrt code beside the coarser gRPC one. */
export const CODE_HEADER = "agentrt-code";

/** Trailer with the error's `data` as JSON, such as who holds a taken agent type. Binary, for names beyond ASCII. */
const DATA_HEADER = "agentrt-data-bin";

/** The one map from our codes to gRPC's. Source: design, section 4, and AutoGen's host for the taken and existing ones. */
const GRPC_STATUS: Readonly<Record<ErrorCode, status>> = {
  INVALID_AGENT_ID: status.INVALID_ARGUMENT,
  INVALID_TOPIC: status.INVALID_ARGUMENT,
  INVALID_SUBSCRIPTION: status.INVALID_ARGUMENT,
  INVALID_MESSAGE: status.INVALID_ARGUMENT,
  UNTYPED_MESSAGE: status.INVALID_ARGUMENT,
  BAD_FRAME: status.INVALID_ARGUMENT,
  MISSING_CLIENT_ID: status.INVALID_ARGUMENT,
  AGENT_TYPE_TAKEN: status.INVALID_ARGUMENT,
  POLICY_CONFLICT: status.INVALID_ARGUMENT,
  RESERVED_TOPIC: status.INVALID_ARGUMENT,
  SUBSCRIPTION_EXISTS: status.INVALID_ARGUMENT,
  NO_SUCH_SUBSCRIPTION: status.INVALID_ARGUMENT,
  NO_SUCH_AGENT: status.UNAVAILABLE,
  WORKER_GONE: status.UNAVAILABLE,
  WORKER_REPLACED: status.ABORTED,
  HOST_DRAINING: status.UNAVAILABLE,
  NOT_CONNECTED: status.UNAVAILABLE,
  DEADLINE: status.DEADLINE_EXCEEDED,
  CANCELLED: status.CANCELLED,
  HANDLER_FAILED: status.UNKNOWN,
  CANNOT_HANDLE: status.UNIMPLEMENTED,
  MESSAGE_DROPPED: status.ABORTED,
  WRONG_AGENT_CLASS: status.FAILED_PRECONDITION,
  CIRCUIT_OPEN: status.UNAVAILABLE,
  QUEUE_FULL: status.RESOURCE_EXHAUSTED,
  DROPPED_OLDEST: status.RESOURCE_EXHAUSTED,
  SUPERSEDED: status.ABORTED,
  SLOW_WORKER: status.RESOURCE_EXHAUSTED,
  TOO_LARGE: status.RESOURCE_EXHAUSTED,
  TOO_MANY: status.RESOURCE_EXHAUSTED,
  NOT_SUPPORTED: status.UNIMPLEMENTED,
  RUNTIME_STATE: status.FAILED_PRECONDITION,
  INVALID_OPTION: status.INVALID_ARGUMENT,
  UNKNOWN_OPTION: status.INVALID_ARGUMENT,
  CONFIG_UNREADABLE: status.FAILED_PRECONDITION,
  LISTEN_REFUSED: status.FAILED_PRECONDITION,
  ADDRESS_IN_USE: status.UNAVAILABLE,
  ADDRESS_NOT_ALLOWED: status.FAILED_PRECONDITION,
  ADDRESS_NOT_HERE: status.FAILED_PRECONDITION,
  STORE_UNUSABLE: status.INTERNAL,
  STORE_FULL: status.RESOURCE_EXHAUSTED,
  STORE_DAMAGED: status.INTERNAL,
  STORE_READ_ONLY: status.FAILED_PRECONDITION,
  STORE_LOCKED: status.FAILED_PRECONDITION,
  DURABLE_NEEDS_DATA: status.FAILED_PRECONDITION,
  NOT_DURABLE: status.FAILED_PRECONDITION,
  NOT_STORED: status.NOT_FOUND,
  STORE_NEWER: status.FAILED_PRECONDITION,
  STATE_REJECTED: status.FAILED_PRECONDITION,
  AGENT_FILE_BROKEN: status.FAILED_PRECONDITION,
  FILE_EXISTS: status.ALREADY_EXISTS,
  NEEDS_BUN: status.UNIMPLEMENTED,
  INTERNAL: status.INTERNAL,
};

/** What a gRPC status means when the peer is not ours and sends no code of its own. */
const FROM_GRPC: Readonly<Partial<Record<status, ErrorCode>>> = {
  [status.CANCELLED]: "CANCELLED",
  [status.DEADLINE_EXCEEDED]: "DEADLINE",
  [status.RESOURCE_EXHAUSTED]: "TOO_LARGE",
  [status.UNIMPLEMENTED]: "CANNOT_HANDLE",
  [status.UNAVAILABLE]: "NOT_CONNECTED",
  [status.ABORTED]: "WORKER_REPLACED",
};

/** Peers refuse trailers that are large, and one character can take twelve bytes there. */
const MAX_DETAILS_LENGTH = 500;

/** The gRPC status of an error, with its exact code and its data in the trailers. */
export function toStatus(error: AgentrtError): StatusObject {
  const metadata = new Metadata();
  metadata.set(CODE_HEADER, error.code);
  const data = encodeErrorData(error);
  if (data !== "") {
    metadata.set(DATA_HEADER, Buffer.from(data));
  }
  return { code: GRPC_STATUS[error.code], details: detailsOf(error), metadata };
}

/** The text of an error for a peer. */
export function detailsOf({ message }: AgentrtError): string {
  // grpc-js writes the text by encodeURI, which throws at half a surrogate pair.
  return shorten(message, MAX_DETAILS_LENGTH).toWellFormed();
}

/** The gRPC name of an error's status, such as `UNAVAILABLE`. */
export function statusNameOf(code: ErrorCode): string {
  return status[GRPC_STATUS[code]] ?? "UNKNOWN";
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && Object.hasOwn(ERROR_CODES, text);
}

/**
 * Recovers the error that a gRPC call ended with: the exact one when the peer is agentrt.
 * Of another peer the status is all there is; `refusal` says what INVALID_ARGUMENT means for
 * the call that was made, because AutoGen's host uses it for every refusal.
 */
export function fromServiceError(thrown: unknown, refusal: ErrorCode = "BAD_FRAME"): AgentrtError {
  if (!isServiceError(thrown)) {
    return AgentrtError.from(thrown);
  }
  const [exact] = thrown.metadata?.get(CODE_HEADER) ?? [];
  const code = isErrorCode(exact) ? exact : meaningOf(thrown.code, refusal);
  return new AgentrtError(code, thrown.details === "" ? messageOf(thrown) : thrown.details, {
    cause: thrown,
    data: { ...readData(thrown.metadata), grpcStatus: status[thrown.code] ?? String(thrown.code) },
  });
}

function readData(metadata: Metadata | undefined): AgentrtError["data"] {
  const [bytes] = metadata?.get(DATA_HEADER) ?? [];
  return Buffer.isBuffer(bytes) ? decodeErrorData(bytes.toString()) : {};
}

function meaningOf(code: status, refusal: ErrorCode): ErrorCode {
  return code === status.INVALID_ARGUMENT ? refusal : (FROM_GRPC[code] ?? "INTERNAL");
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return (
    thrown instanceof Error &&
    "code" in thrown &&
    typeof thrown.code === "number" &&
    "details" in thrown
  );
}
