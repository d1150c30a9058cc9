import { expect, test } from "bun:test";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import { ERROR_CODES, type ErrorCode } from "../../src/core/errors.ts";

test("exit codes - 2 for wrong usage, 1 for everything else", () => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  expect(codes.filter((code) => exitCodeOf(code) === 2)).toEqual([
    "INVALID_OPTION",
    "UNKNOWN_OPTION",
    "CONFIG_UNREADABLE",
    "LISTEN_REFUSED",
  ]);
  expect(
    codes.filter((code) => exitCodeOf(code) !== 2).every((code) => exitCodeOf(code) === 1),
  ).toBe(true);
});
