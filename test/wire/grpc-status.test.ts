import { expect, test } from "bun:test";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { AgentrtError, ERROR_CODES, type ErrorCode } from "../../src/core/errors.ts";
import {
  CODE_HEADER,
  fromServiceError,
  isErrorCode,
  statusNameOf,
  toStatus,
} from "../../src/wire/grpc-status.ts";
import { anyText } from "../kit/arbitraries.ts";

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

/** What grpc-js throws at a caller for a status that a peer sent. */
function serviceError(code: status, details: string, metadata = new Metadata()): ServiceError {
  const message = `${code} ${status[code]}: ${details}`;
  return Object.assign(new Error(message), { code, details, metadata });
}

/** As a caller gets it: metadata through HTTP/2 headers, the text through the percent encoding of the grpc-message trailer. */
function sent(error: AgentrtError): ServiceError {
  const { code, details, metadata } = toStatus(error);
  const headers = metadata.toHttp2Headers() as Record<string, string[]>;
  return serviceError(code, decodeURI(encodeURI(details)), Metadata.fromHttp2Headers(headers));
}

test("grpc status - every code has a status, and none of them is OK", () => {
  for (const code of CODES) {
    const { code: grpc, details } = toStatus(new AgentrtError(code, "why"));
    expect(grpc).toBeGreaterThan(0);
    expect(statusNameOf(code)).toBe(status[grpc] as string);
    expect(details).toBe("why");
  }
});

test.each([
  ["INVALID_TOPIC", "INVALID_ARGUMENT"],
  ["BAD_FRAME", "INVALID_ARGUMENT"],
  ["MISSING_CLIENT_ID", "INVALID_ARGUMENT"],
  ["AGENT_TYPE_TAKEN", "INVALID_ARGUMENT"],
  ["SUBSCRIPTION_EXISTS", "INVALID_ARGUMENT"],
  ["NO_SUCH_SUBSCRIPTION", "INVALID_ARGUMENT"],
  ["NO_SUCH_AGENT", "UNAVAILABLE"],
  ["WORKER_GONE", "UNAVAILABLE"],
  ["HOST_DRAINING", "UNAVAILABLE"],
  ["DEADLINE", "DEADLINE_EXCEEDED"],
  ["CANCELLED", "CANCELLED"],
  ["QUEUE_FULL", "RESOURCE_EXHAUSTED"],
  ["TOO_LARGE", "RESOURCE_EXHAUSTED"],
] as const)("grpc status - %s is %s", (code, name) => {
  expect(statusNameOf(code)).toBe(name);
});

test("grpc status - exact code, text and data survive the way to an agentrt peer", () => {
  const data = fc.dictionary(fc.string(), fc.oneof(anyText, fc.integer(), fc.boolean()));
  fc.assert(
    fc.property(
      fc.constantFrom(...CODES),
      fc.string({ unit: "binary", minLength: 1 }),
      data,
      (code, text, facts) => {
        const received = fromServiceError(sent(new AgentrtError(code, text, { data: facts })));
        expect([received.code, received.message]).toEqual([code, text]);
        expect(Object.entries(received.data)).toEqual(
          Object.entries({ ...facts, grpcStatus: statusNameOf(code) }),
        );
      },
    ),
  );
});

test("grpc status - a text can always be sent, whatever is in it", () => {
  for (const text of ["\ud800", "a\udc00b", "😀".repeat(5_000), "x".repeat(1_000_000)]) {
    const { details } = toStatus(new AgentrtError("BAD_FRAME", text));
    expect(encodeURI(details).length).toBeLessThan(8_192);
  }
});

test.each([
  ["CANCELLED", "CANCELLED"],
  ["DEADLINE_EXCEEDED", "DEADLINE"],
  ["RESOURCE_EXHAUSTED", "TOO_LARGE"],
  ["UNIMPLEMENTED", "CANNOT_HANDLE"],
  ["UNAVAILABLE", "NOT_CONNECTED"],
  ["UNKNOWN", "INTERNAL"],
  ["PERMISSION_DENIED", "INTERNAL"],
] as const)("grpc status - %s of a foreign host means %s", (name, code) => {
  const error = fromServiceError(serviceError(status[name], "why"));
  expect(error).toMatchObject({ code, message: "why", data: { grpcStatus: name } });
});

test("grpc status - INVALID_ARGUMENT of a foreign host means what the call can be refused for", () => {
  const refusal = serviceError(status.INVALID_ARGUMENT, "Subscription already exists");
  expect(fromServiceError(refusal, "SUBSCRIPTION_EXISTS").code).toBe("SUBSCRIPTION_EXISTS");
  expect(fromServiceError(refusal).code).toBe("BAD_FRAME");
});

test("grpc status - a code that does not exist and data that is not ours are passed over", () => {
  const metadata = new Metadata();
  metadata.set(CODE_HEADER, "toString");
  metadata.set("agentrt-data-bin", Buffer.from("no JSON"));
  const error = fromServiceError(serviceError(status.UNAVAILABLE, "", metadata));
  expect(error.code).toBe("NOT_CONNECTED");
  expect(error.data).toEqual({ grpcStatus: "UNAVAILABLE" });
  expect(error.message).toBe("14 UNAVAILABLE: ");
  metadata.set("agentrt-data-bin", Buffer.from('{"a":{"b":1},"c":1,"d":null}'));
  expect(fromServiceError(serviceError(status.UNAVAILABLE, "", metadata)).data).toEqual({
    c: 1,
    grpcStatus: "UNAVAILABLE",
  });
});

test("grpc status - what is no gRPC error stays what it is", () => {
  const ours = new AgentrtError("DEADLINE", "late");
  expect(fromServiceError(ours)).toBe(ours);
  expect(fromServiceError(new Error("other")).code).toBe("INTERNAL");
});

test("grpc status - only the codes of the list are codes", () => {
  expect(CODES.every(isErrorCode)).toBe(true);
  expect(["", "nope", "constructor", "__proto__", undefined, 3].some(isErrorCode)).toBe(false);
});
