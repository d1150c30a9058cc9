// What one message costs inside of a worker. Run: bun bench/hot-path.ts [--only TEXT] [--baseline FOLDER]
//
// FOLDER is another checkout of this repository to compare with, packages installed. Both take turns,
// so that a busy machine is busy for both; the median of the rounds is shown. To see where the time
// goes: bun --cpu-prof bench/hot-path.ts --only "dispatch, raw bytes" --rounds 15
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type HotPathCase, hotPathCases } from "./hot-path-cases.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "9" },
    messages: { type: "string", default: "300000" },
    baseline: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const messages = Number(values.messages);

interface Measured {
  readonly name: string;
  readonly variants: readonly {
    readonly variant: HotPathCase | undefined;
    readonly costs: Cost[];
  }[];
}

/** Nanoseconds for each message: of the clock, and of processors, which other programs do not lengthen. */
interface Cost {
  readonly wallNs: number;
  readonly cpuNs: number;
}

async function costOf({ run }: HotPathCase): Promise<Cost> {
  Bun.gc(true);
  const start = Bun.nanoseconds();
  const cpuStart = process.cpuUsage();
  await run(messages);
  const cpu = process.cpuUsage(cpuStart);
  return {
    wallNs: (Bun.nanoseconds() - start) / messages,
    cpuNs: ((cpu.user + cpu.system) * 1_000) / messages,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

async function measure(): Promise<Measured[]> {
  const wanted = ({ name }: HotPathCase): boolean => name.includes(values.only);
  const cases = (await hotPathCases(resolve(import.meta.dir, ".."))).filter(wanted);
  const before = values.baseline === undefined ? [] : await hotPathCases(resolve(values.baseline));
  const all = cases.map((now) => ({
    name: now.name,
    variants: [before.find(({ name }) => name === now.name), now].map((variant) => ({
      variant,
      costs: [] as Cost[],
    })),
  }));
  // The first rounds are for the just-in-time compiler.
  for (let round = -2; round < rounds; round += 1) {
    for (const { variant, costs } of all.flatMap(({ variants }) => variants)) {
      const cost = variant === undefined ? undefined : await costOf(variant);
      if (cost !== undefined && round >= 0) {
        costs.push(cost);
      }
    }
  }
  return all;
}

function shown(costs: readonly Cost[]): string {
  if (costs.length === 0) {
    return "- | -";
  }
  const rate = 1e9 / median(costs.map(({ wallNs }) => wallNs));
  const cpuNs = median(costs.map(({ cpuNs }) => cpuNs));
  return `${Math.round(rate).toLocaleString("en")} | ${Math.round(cpuNs)}`;
}

console.log(
  "| case | before, messages/s | CPU, ns | now, messages/s | CPU, ns |\n|---|---|---|---|---|",
);
for (const { name, variants } of await measure()) {
  console.log(`| ${name} | ${variants.map(({ costs }) => shown(costs)).join(" | ")} |`);
}
process.exit(0);
