import { describe, expect, test } from "bun:test";
import { parseBenchOptions } from "../../bench/options.ts";

describe("bench options", () => {
  test("defaults - five runs, everything, into the documentation", () => {
    expect(parseBenchOptions([])).toEqual({
      runs: 5,
      seconds: 2,
      payloadBytes: 128,
      only: [],
      output: "docs/benchmarks.md",
    });
  });

  test("flags - each is taken, --only several times", () => {
    expect(
      parseBenchOptions([
        "--runs",
        "2",
        "--payload-bytes=1024",
        "--only",
        "nats",
        "--only=agentrt",
      ]),
    ).toMatchObject({ runs: 2, payloadBytes: 1024, only: ["nats", "agentrt"] });
  });

  test.each([
    [["--runs", "0"], "--runs must be at least 1"],
    [["--runs", "101"], "--runs must be at most 100"],
    [["--runs", "few"], "--runs is not a whole number"],
    [["--seconds", "1.5"], "--seconds is not a whole number"],
    [["--payload-bytes", "10"], "--payload-bytes must be at least 64"],
  ])("range - %p is refused by name", (args, message) => {
    expect(() => parseBenchOptions(args)).toThrow(message);
  });

  test("unknown flag - refused by name", () => {
    expect(() => parseBenchOptions(["--run", "3"])).toThrow("--run");
  });
});
