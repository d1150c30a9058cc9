import type { Headers, Payload } from "../../core/envelope.ts";
import { FIELD, type FieldScanner, setEntry } from "./field-scanner.ts";

/** An agent's id before its parts are found to be legal. */
export interface AgentIdFields {
  readonly type: string;
  readonly key: string;
}

/** What is read of an `agents.Payload`. */
export interface PayloadFields {
  readonly dataType: string;
  readonly dataContentType: string;
  readonly data: Payload["data"];
}

/** What is read of an `agents.RpcRequest`. */
export interface RequestFields {
  readonly requestId: string;
  readonly source?: AgentIdFields | undefined;
  readonly target?: AgentIdFields | undefined;
  readonly method: string;
  readonly payload?: PayloadFields | undefined;
  readonly metadata: Headers;
}

/** What is read of an `agents.RpcResponse`. */
export interface ResponseFields {
  readonly requestId: string;
  readonly payload?: PayloadFields | undefined;
  readonly error: string;
  readonly metadata: Headers;
}

/** The request in a range of bytes, or undefined when it is odd. */
export function scanRequest(
  scanner: FieldScanner,
  from: number,
  limit: number,
): RequestFields | undefined {
  let requestId = "";
  let source: AgentIdFields | undefined;
  let target: AgentIdFields | undefined;
  let method = "";
  let payload: PayloadFields | undefined;
  const metadata: Record<string, string> = {};
  let at = from;
  while (at < limit) {
    const tag = scanner.next(at, limit);
    at = scanner.end;
    // A message that comes twice is merged, which is odd.
    if (tag === FIELD.one) {
      requestId = scanner.text();
    } else if (tag === FIELD.two && source === undefined) {
      source = scanAgentId(scanner);
    } else if (tag === FIELD.three && target === undefined) {
      target = scanAgentId(scanner);
    } else if (tag === FIELD.four) {
      method = scanner.text();
    } else if (tag === FIELD.five && payload === undefined) {
      payload = scanPayload(scanner);
    } else if (tag === FIELD.six) {
      scanEntry(scanner, metadata);
    } else {
      return undefined;
    }
    if (scanner.isOdd) {
      return undefined;
    }
  }
  return { requestId, source, target, method, payload, metadata };
}

/** The response in a range of bytes, or undefined when it is odd. */
export function scanResponse(
  scanner: FieldScanner,
  from: number,
  limit: number,
): ResponseFields | undefined {
  let requestId = "";
  let payload: PayloadFields | undefined;
  let error = "";
  const metadata: Record<string, string> = {};
  let at = from;
  while (at < limit) {
    const tag = scanner.next(at, limit);
    at = scanner.end;
    if (tag === FIELD.one) {
      requestId = scanner.text();
    } else if (tag === FIELD.two && payload === undefined) {
      payload = scanPayload(scanner);
    } else if (tag === FIELD.three) {
      error = scanner.text();
    } else if (tag === FIELD.four) {
      scanEntry(scanner, metadata);
    } else {
      return undefined;
    }
    if (scanner.isOdd) {
      return undefined;
    }
  }
  return { requestId, payload, error, metadata };
}

/** The value is an `agents.AgentId`. */
function scanAgentId(scanner: FieldScanner): AgentIdFields {
  let type = "";
  let key = "";
  let at = scanner.start;
  const limit = scanner.end;
  while (at < limit) {
    const tag = scanner.next(at, limit);
    if (tag === FIELD.one) {
      type = scanner.text();
    } else if (tag === FIELD.two) {
      key = scanner.text();
    } else {
      scanner.isOdd = true;
      break;
    }
    at = scanner.end;
  }
  return { type, key };
}

/** The value is an `agents.Payload`. */
function scanPayload(scanner: FieldScanner): PayloadFields {
  let dataType = "";
  let dataContentType = "";
  let data: Uint8Array | undefined;
  let at = scanner.start;
  const limit = scanner.end;
  while (at < limit) {
    const tag = scanner.next(at, limit);
    if (tag === FIELD.one) {
      dataType = scanner.text();
    } else if (tag === FIELD.two) {
      dataContentType = scanner.text();
    } else if (tag === FIELD.three) {
      data = scanner.view();
    } else {
      scanner.isOdd = true;
      break;
    }
    at = scanner.end;
  }
  return { dataType, dataContentType, data: data ?? new Uint8Array(0) };
}

/** The value is an entry of a `map<string, string>`: its key and then its value. */
function scanEntry(scanner: FieldScanner, record: Record<string, string>): void {
  const limit = scanner.end;
  if (scanner.next(scanner.start, limit) === FIELD.one) {
    const key = scanner.text();
    if (scanner.next(scanner.end, limit) === FIELD.two && scanner.end === limit) {
      setEntry(record, key, scanner.text());
      return;
    }
  }
  scanner.isOdd = true;
}
