import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Child } from "./child.ts";
import { describeMachine } from "./machine.ts";
import { measureAll } from "./measure-all.ts";
import { type BenchOptions, parseBenchOptions, selectWorks } from "./options.ts";
import { renderReport } from "./report.ts";
import type { BenchResult } from "./results.ts";
import { DATA_FOLDER } from "./stage.ts";
import { systemsFor } from "./systems.ts";
import { askVersions, findTools } from "./tools.ts";
import { allWorks } from "./works/all-works.ts";
import type { Work } from "./works/work.ts";

const DOCUMENTATION = "docs/benchmarks.md";
const started = new Set<Child>();

async function endOnSignal(signal: NodeJS.Signals, exitCode: number): Promise<void> {
  console.error(`${signal}: ending the programs of the benchmark`);
  await Promise.all([...started].map(async (child) => await child.stop()));
  await rm(join(dirname(import.meta.dir), DATA_FOLDER), { recursive: true, force: true });
  process.exit(exitCode);
}

/** Of each system that was measured, once. */
function descriptionsOf(works: readonly Work[]): BenchResult["descriptions"] {
  const systems = works.flatMap(({ candidates }) => candidates.map(({ system }) => system));
  return [...new Map(systems.map(({ name, text }) => [name, { name, text }])).values()];
}

/** What a reader would write for the same numbers, without where this run's files went. */
function commandOf({ runs, seconds, scale, only }: BenchOptions): string {
  const flags = [`--runs ${runs}`, `--seconds ${seconds}`];
  const few = scale === 1 ? [] : [`--scale ${scale}`];
  return ["bench/run.sh", ...flags, ...few, ...only.map((name) => `--only ${name}`)].join(" ");
}

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  const { runs, seconds, scale, only, output, json } = options;
  process.once("SIGINT", () => void endOnSignal("SIGINT", 130));
  process.once("SIGTERM", () => void endOnSignal("SIGTERM", 143));
  const tools = findTools();
  const versions = await askVersions(tools);
  const works = selectWorks(allWorks(systemsFor(tools, versions), tools), only);
  const folder = join(tools.repository, DATA_FOLDER);
  await mkdir(folder, { recursive: true });
  const began = performance.now();
  const outcome = await measureAll(works, {
    ...{ runs, seconds, scale, tools },
    say: (text) => console.error(text),
    onStart: (child) => started.add(child),
  });
  const result: BenchResult = {
    date: new Date().toISOString().slice(0, 10),
    command: commandOf(options),
    agentrtVersion: versions.agentrt,
    machine: await describeMachine(folder),
    runs,
    scale,
    durationSeconds: (performance.now() - began) / 1000,
    works: outcome.works,
    descriptions: descriptionsOf(works),
  };
  const report = renderReport(result);
  console.log(report);
  if (json !== undefined) {
    await writeFile(resolve(json), `${JSON.stringify(result, undefined, 2)}\n`);
  }
  const isFull = only.length === 0 && scale === 1 && !outcome.hasErrors;
  const target = output ?? (isFull ? join(tools.repository, DOCUMENTATION) : undefined);
  if (target !== undefined) {
    await writeFile(resolve(target), report);
    console.error(`written to ${target}`);
  }
  const hasFailures = outcome.works.some(({ systems }) =>
    systems.some(({ failures }) => failures.length > 0),
  );
  return outcome.hasErrors || hasFailures ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
