import { describe, expect, test } from "bun:test";
import { parseBenchOptions, selectWorks } from "../../bench/options.ts";

describe("bench options", () => {
  test("defaults - five runs of everything at full scale, into the documentation", () => {
    expect(parseBenchOptions([])).toEqual({
      runs: 5,
      seconds: 2,
      scale: 1,
      only: [],
      output: undefined,
      json: undefined,
    });
  });

  test("flags - each is taken, --only several times", () => {
    const args = ["--runs", "2", "--scale=0.05", "--seconds=0.3", "--only", "rpc", "--only=start"];
    expect(parseBenchOptions([...args, "--output", "a.md", "--json", "a.json"])).toEqual({
      runs: 2,
      seconds: 0.3,
      scale: 0.05,
      only: ["rpc", "start"],
      output: "a.md",
      json: "a.json",
    });
  });

  test.each([
    [["--runs", "0"], "--runs must be at least 1"],
    [["--runs", "101"], "--runs must be at most 100"],
    [["--runs", "1.5"], "--runs is not a whole number"],
    [["--runs", "few"], "--runs is not a number"],
    [["--seconds", "61"], "--seconds must be at most 60"],
    [["--scale", "2"], "--scale must be at most 1"],
    [["--scale", "0"], "--scale must be at least 0.001"],
  ])("range - %p is refused by name", (args, message) => {
    expect(() => parseBenchOptions(args)).toThrow(message);
  });

  test("unknown flag - refused by name", () => {
    expect(() => parseBenchOptions(["--run", "3"])).toThrow("--run");
  });
});

describe("bench selection", () => {
  const works = [
    { id: "oneway-16", group: "oneway" },
    { id: "oneway-128", group: "oneway" },
    { id: "start", group: "start" },
  ];

  test("only - by group and by id, in the order of the report, each once", () => {
    const ids = (only: readonly string[]): string[] => selectWorks(works, only).map(({ id }) => id);
    expect(ids([])).toEqual(["oneway-16", "oneway-128", "start"]);
    expect(ids(["start", "oneway-128"])).toEqual(["oneway-128", "start"]);
    expect(ids(["oneway", "oneway-16"])).toEqual(["oneway-16", "oneway-128"]);
  });

  test("only - a name that is neither is refused with what there is", () => {
    expect(() => selectWorks(works, ["start", "two-way"])).toThrow(
      "--only two-way names nothing. There are: oneway, oneway-16, oneway-128, start.",
    );
  });
});
