import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Child } from "./child.ts";
import { describeMachine } from "./machine.ts";
import { measure } from "./measure.ts";
import { type BenchOptions, parseBenchOptions } from "./options.ts";
import { renderReport } from "./report.ts";
import type { BenchResult, Sample, SetupResult } from "./results.ts";
import { type Setup, setupsFor } from "./setups.ts";
import { askVersions, findTools } from "./tools.ts";

const started = new Set<Child>();

/** Measures every setup `runs` times, interleaved; the failure of one setup does not stop the others. */
async function measureAll(
  setups: readonly Setup[],
  repository: string,
  options: BenchOptions,
): Promise<SetupResult[]> {
  const results = setups.map((setup) => ({ setup, samples: [] as Sample[], failure: "" }));
  for (let run = 0; run < options.runs; run += 1) {
    for (let turn = 0; turn < results.length; turn += 1) {
      const result = results[(run + turn) % results.length];
      if (result === undefined || result.failure !== "") {
        continue;
      }
      const label = `run ${run + 1} of ${options.runs}: ${result.setup.name}`;
      try {
        const sample = await measure(result.setup, {
          folder: repository,
          seconds: options.seconds,
          payloadBytes: options.payloadBytes,
          onStart: (child) => started.add(child),
        });
        result.samples.push(sample);
        console.error(`${label}: ${summaryOf(sample)}`);
      } catch (error) {
        result.failure = error instanceof Error ? error.message : String(error);
        console.error(`${label}: failed. ${result.failure}`);
      }
      started.clear();
    }
  }
  return results.map(({ setup, samples, failure }) => ({
    name: setup.name,
    description: setup.description,
    samples,
    failure,
  }));
}

function summaryOf({ throughput, oneAtATime, concurrent }: Sample): string {
  const rate = Math.round((throughput.messages - throughput.lost) / throughput.seconds);
  const calls = Math.round(concurrent.calls / concurrent.seconds);
  return `${rate} messages/s (${throughput.lost} lost), p50 ${Math.round(oneAtATime.p50Us)} µs, ${calls} calls/s`;
}

async function endOnSignal(signal: NodeJS.Signals, exitCode: number): Promise<void> {
  console.error(`${signal}: ending the programs of the benchmark`);
  await Promise.all([...started].map((child) => child.stop()));
  process.exit(exitCode);
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const options = parseBenchOptions(args);
  process.once("SIGINT", () => void endOnSignal("SIGINT", 130));
  process.once("SIGTERM", () => void endOnSignal("SIGTERM", 143));
  const tools = findTools();
  const versions = await askVersions(tools);
  const all = setupsFor(tools, versions);
  const setups = all.filter(({ id }) => options.only.length === 0 || options.only.includes(id));
  if (setups.length === 0) {
    const ids = all.map(({ id }) => id).join(", ");
    throw new RangeError(`--only ${options.only.join(" ")} names no setup. There are: ${ids}.`);
  }
  const began = performance.now();
  const results = await measureAll(setups, tools.repository, options);
  const bench: BenchResult = {
    date: new Date().toISOString().slice(0, 10),
    command: ["bench/run.sh", ...args].join(" "),
    agentrtVersion: versions.agentrt,
    machine: describeMachine(),
    runs: options.runs,
    payloadBytes: options.payloadBytes,
    durationSeconds: (performance.now() - began) / 1000,
    setups: results,
  };
  const report = renderReport(bench);
  console.log(report);
  const failures = results.filter(({ failure }) => failure !== "").length;
  // A failure's text may quote anything that a program said, so such a report is not for the documentation.
  if (failures === 0 && options.only.length === 0) {
    await writeFile(resolve(tools.repository, options.output), report);
    console.error(`written to ${options.output}`);
  }
  return failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
