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
  readonly before: HotPathCase | undefined;
  readonly now: HotPathCase;
  readonly beforeNs: number[];
  readonly nowNs: number[];
}

/** Nanoseconds for each message. */
async function timeOf({ run }: HotPathCase): Promise<number> {
  Bun.gc(true);
  const start = Bun.nanoseconds();
  await run(messages);
  return (Bun.nanoseconds() - start) / messages;
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
    before: before.find(({ name }) => name === now.name),
    now,
    beforeNs: [] as number[],
    nowNs: [] as number[],
  }));
  // The first rounds are for the just-in-time compiler.
  for (let round = -2; round < rounds; round += 1) {
    for (const measured of all) {
      const beforeNs = measured.before === undefined ? Number.NaN : await timeOf(measured.before);
      const nowNs = await timeOf(measured.now);
      if (round >= 0) {
        measured.beforeNs.push(beforeNs);
        measured.nowNs.push(nowNs);
      }
    }
  }
  return all;
}

const shown = (ns: number): string =>
  Number.isNaN(ns) ? "-" : `${Math.round(1e9 / ns).toLocaleString("en")} (${Math.round(ns)} ns)`;

console.log("| case | before, messages/s | now, messages/s | ratio |\n|---|---|---|---|");
for (const { name, beforeNs, nowNs } of await measure()) {
  const ratio = median(beforeNs) / median(nowNs);
  console.log(
    `| ${name} | ${shown(median(beforeNs))} | ${shown(median(nowNs))} | ${Number.isNaN(ratio) ? "-" : ratio.toFixed(2)} |`,
  );
}
process.exit(0);
