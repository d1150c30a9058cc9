import { parseArgs } from "node:util";
import * as v from "valibot";

/** What a person can choose about a run of the benchmark. */
export interface BenchOptions {
  /** How often each piece of work is measured. */
  readonly runs: number;
  /** Aim for the length of one measured stretch, in seconds. */
  readonly seconds: number;
  /** Multiplies every count; below 1 for a quick look. */
  readonly scale: number;
  /** Groups or single works to measure, by id; empty for all. */
  readonly only: readonly string[];
  /** File to write the report to; undefined for `docs/benchmarks.md` after a full run. */
  readonly output: string | undefined;
  /** File to write all measurements to, as JSON. */
  readonly json: string | undefined;
}

const number = (least: number, most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+(\.\d+)?$/, "is not a number"),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );

const Flags = v.object({
  runs: v.pipe(number(1, 100), v.integer("is not a whole number")),
  seconds: number(0.05, 60),
  scale: number(0.001, 1),
  only: v.array(v.string()),
  output: v.optional(v.string()),
  json: v.optional(v.string()),
});

/** @throws Error that names the flag, for an unknown flag or a value out of range */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "5" },
      seconds: { type: "string", default: "2" },
      scale: { type: "string", default: "1" },
      only: { type: "string", multiple: true, default: [] },
      output: { type: "string" },
      json: { type: "string" },
    },
  });
  const checked = v.safeParse(Flags, values);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw new RangeError(`--${v.getDotPath(issue) ?? "flags"} ${issue.message}`);
  }
  const { output, json, ...rest } = checked.output;
  return Object.freeze({ ...rest, output, json });
}

interface Selectable {
  readonly id: string;
  readonly group: string;
}

/** The works that `--only` names, by group or id. @throws RangeError for a name that is neither */
export function selectWorks<W extends Selectable>(
  works: readonly W[],
  only: readonly string[],
): readonly W[] {
  const isNamed = ({ id, group }: W, name: string): boolean => id === name || group === name;
  const stranger = only.find((name) => !works.some((work) => isNamed(work, name)));
  if (stranger !== undefined) {
    const names = [...new Set(works.flatMap(({ group, id }) => [group, id]))];
    throw new RangeError(`--only ${stranger} names nothing. There are: ${names.join(", ")}.`);
  }
  return only.length === 0
    ? works
    : works.filter((work) => only.some((name) => isNamed(work, name)));
}
