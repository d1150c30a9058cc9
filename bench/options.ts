import { parseArgs } from "node:util";
import * as v from "valibot";

/** What a person can choose about a run of the benchmark. */
export interface BenchOptions {
  /** How often each setup is measured. */
  readonly runs: number;
  /** Aim for the length of one throughput measurement, in seconds. */
  readonly seconds: number;
  readonly payloadBytes: number;
  /** Setups to measure, by a part of their id; empty for all. */
  readonly only: readonly string[];
  /** File to write; empty for none. */
  readonly output: string;
}

const wholeNumber = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, "is not a whole number"),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

const Flags = v.object({
  runs: wholeNumber(1, 100),
  seconds: wholeNumber(1, 60),
  "payload-bytes": wholeNumber(64, 1_000_000),
  only: v.array(v.string()),
  output: v.string(),
});

/** @throws Error that names the flag, for an unknown flag or a value out of range */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "5" },
      seconds: { type: "string", default: "2" },
      "payload-bytes": { type: "string", default: "128" },
      only: { type: "string", multiple: true, default: [] },
      output: { type: "string", default: "docs/benchmarks.md" },
    },
  });
  const checked = v.safeParse(Flags, values);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new RangeError(`--${v.getDotPath(issue) ?? "flags"} ${issue.message}`);
  }
  const flags = checked.output;
  return Object.freeze({
    runs: flags.runs,
    seconds: flags.seconds,
    payloadBytes: flags["payload-bytes"],
    only: flags.only,
    output: flags.output,
  });
}
