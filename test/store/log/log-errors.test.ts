import { expect, test } from "bun:test";
import { AgentrtError } from "../../../src/core/errors.ts";
import { guard, isDamage, receiveError, sendError } from "../../../src/store/log/log-errors.ts";
import { thrownBy } from "../../kit/thrown.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`system: ${code}`), { code });
}

test.each([
  ["SQLITE_FULL", "STORE_FULL", "after"],
  ["ENOSPC", "STORE_FULL", "after"],
  ["EDQUOT", "STORE_FULL", "after"],
  ["SQLITE_BUSY", "STORE_LOCKED", "after"],
  ["SQLITE_READONLY", "STORE_READ_ONLY", "after"],
  ["SQLITE_READONLY_DIRECTORY", "STORE_READ_ONLY", "after"],
  ["EROFS", "STORE_READ_ONLY", "after"],
  ["EACCES", "STORE_READ_ONLY", "after"],
  ["SQLITE_CORRUPT_INDEX", "STORE_DAMAGED", "never"],
  ["SQLITE_NOTADB", "STORE_DAMAGED", "never"],
  ["SQLITE_IOERR_SHORT_READ", "STORE_DAMAGED", "never"],
  ["SQLITE_IOERR_FSYNC", "STORE_UNUSABLE", "never"],
  ["ENOTDIR", "STORE_UNUSABLE", "never"],
] as const)("log errors - %s is %s", (system, code, retry) => {
  const cause = systemError(system);
  const error = thrownBy(() =>
    guard("/data", () => {
      throw cause;
    }),
  );
  expect({ code: error.code, retry: error.retry, cause: error.cause }).toEqual({
    code,
    retry,
    cause,
  });
  expect(error.message).toContain("/data");
  expect(error.data).toEqual({ folder: "/data" });
});

test("log errors - ours stay themselves, and a defect is said to be one", () => {
  const ours = new AgentrtError("TOO_MANY", "too many", { data: { limit: 1 } });
  const thrower = (error: unknown) => () =>
    guard("/data", () => {
      throw error;
    });
  expect(thrownBy(thrower(ours))).toBe(ours);
  expect(thrownBy(thrower(new TypeError("no")))).toMatchObject({ code: "INTERNAL", message: "no" });
  expect(isDamage(new TypeError("no"))).toBe(false);
  expect(isDamage(new AgentrtError("STORE_DAMAGED", "damaged"))).toBe(true);
});

test("log errors - they come through between threads with code, text and data", () => {
  const error = new AgentrtError("TOO_MANY", "too many", { data: { limit: 1 } });
  const received = receiveError(structuredClone(sendError(error)));
  expect(received).toMatchObject({ code: "TOO_MANY", message: "too many", data: { limit: 1 } });
});
