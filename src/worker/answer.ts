import { EMPTY_PAYLOAD, type ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError, type ErrorCode, messageOf } from "../core/errors.ts";
import { CODE_HEADER, isErrorCode } from "../wire/grpc-status.ts";
import type { MessageTypes } from "./message-types.ts";

/** The answer that gives a handler's result. @throws AgentrtError `UNTYPED_MESSAGE`, `INVALID_MESSAGE` */
export function answerOf(
  requestId: string,
  result: object | undefined,
  types: MessageTypes,
): ResponseEnvelope {
  return {
    kind: "response",
    id: requestId,
    error: "",
    headers: {},
    payload: types.encodeResult(result),
  };
}

/** The answer that gives an error: the text of what was thrown, as AutoGen's workers do, and its code. */
export function errorAnswerTo(requestId: string, thrown: unknown): ResponseEnvelope {
  const code: ErrorCode = thrown instanceof AgentrtError ? thrown.code : "HANDLER_FAILED";
  return {
    kind: "response",
    id: requestId,
    // An empty text would read as success.
    error: messageOf(thrown) || code,
    headers: { [CODE_HEADER]: code },
    payload: EMPTY_PAYLOAD,
  };
}

/** The error that an answer carries, or undefined when it is a result. */
export function errorOfAnswer(response: ResponseEnvelope): AgentrtError | undefined {
  if (response.error === "") {
    return undefined;
  }
  const code = response.headers[CODE_HEADER];
  return new AgentrtError(isErrorCode(code) ? code : "HANDLER_FAILED", response.error);
}
