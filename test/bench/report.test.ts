import { describe, expect, test } from "bun:test";
import { renderReport } from "../../bench/report.ts";
import type { BenchResult, Sample, SetupResult } from "../../bench/results.ts";

function sample(messagesPerSecond: number, overrides: Partial<Sample> = {}): Sample {
  return {
    throughput: {
      messages: messagesPerSecond * 2,
      lost: 0,
      duplicates: 0,
      seconds: 2,
      cpu: { sender: 1, host: 0.5, receiver: 0.5 },
    },
    oneAtATime: { calls: 100, p50Us: 200, p99Us: 900 },
    concurrent: {
      calls: 10_000,
      inFlight: 64,
      seconds: 1,
      cpu: { sender: 0.5, host: 0.25, receiver: 0.25 },
    },
    ...overrides,
  };
}

function setup(name: string, samples: readonly Sample[], failure = ""): SetupResult {
  return { name, description: `${name} 1.2.3, defaults`, samples, failure };
}

function result(setups: readonly SetupResult[]): BenchResult {
  return {
    date: "2026-01-31",
    command: "bench/run.sh --runs 3",
    agentrtVersion: "0.1.0",
    machine: {
      cpuModel: "Some CPU",
      cores: 2,
      memoryGiB: 24,
      system: "linux 6.1 x64",
      bunVersion: "1.4.5",
    },
    runs: 3,
    payloadBytes: 128,
    durationSeconds: 61.4,
    setups,
  };
}

function lineWith(report: string, start: string): string | undefined {
  return report.split("\n").find((line) => line.startsWith(start));
}

describe("bench report", () => {
  test("throughput - median, spread and the ratio to the first setup", () => {
    const report = renderReport(
      result([
        setup("agentrt", [sample(30_000), sample(10_000), sample(20_000)]),
        setup("other", [sample(50_000)]),
      ]),
    );
    expect(lineWith(report, "| agentrt")).toBe(
      "| agentrt | 20,000 (10,000 to 30,000) | 1.00 | 0 | 0 |",
    );
    expect(lineWith(report, "| other")).toBe(
      "| other | 50,000 (50,000 to 50,000) | 2.50 | 0 | 0 |",
    );
  });

  test("throughput - lost messages do not count as throughput, and are totalled over the runs", () => {
    const { throughput } = sample(10_000);
    const losing = sample(0, { throughput: { ...throughput, lost: 4_000, duplicates: 2 } });
    const report = renderReport(result([setup("agentrt", [losing, losing])]));
    expect(lineWith(report, "| agentrt")).toBe(
      "| agentrt | 8,000 (8,000 to 8,000) | 1.00 | 8,000 | 4 |",
    );
  });

  test("calls - latencies and rate with their ratios", () => {
    const slow = sample(1, { oneAtATime: { calls: 9, p50Us: 500, p99Us: 1_800 } });
    const report = renderReport(result([setup("agentrt", [sample(1)]), setup("slow", [slow])]));
    const calls = report.slice(report.indexOf("## Calls"));
    expect(calls).toContain("calls/s, 64 in flight");
    expect(lineWith(calls, "| slow")).toBe(
      "| slow | 500 (500 to 500) | 2.50 | 1,800 (1,800 to 1,800) | 2.00 | 10,000 (10,000 to 10,000) | 1.00 |",
    );
  });

  test("processor time - seconds of each process, and microseconds for one message of all", () => {
    const report = renderReport(result([setup("agentrt", [sample(50_000)])]));
    const cpu = report.slice(report.indexOf("## Processor time"));
    expect(cpu).toContain("| agentrt | 100,000 | 1.00 | 0.50 | 0.50 | 20.0 |");
    expect(cpu).toContain("| agentrt | 10,000 | 0.50 | 0.25 | 0.25 | 100.0 |");
  });

  test("introduction - date, command, machine and versions", () => {
    const report = renderReport(result([setup("agentrt", [sample(1)])]));
    expect(report).toContain(
      "Made on 2026-01-31 by `bench/run.sh --runs 3` with agentrt 0.1.0, 3 runs, in 61 s.",
    );
    expect(report).toContain(
      "Machine: Some CPU, 2 cores, 24 GiB of memory, linux 6.1 x64, Bun 1.4.5.",
    );
    expect(report).toContain("- **agentrt**: agentrt 1.2.3, defaults.");
    expect(report).not.toContain("## Not measured");
    expect(report.endsWith(".\n")).toBe(true);
  });

  test("failure - a setup without samples has its reason and no row", () => {
    const report = renderReport(
      result([setup("agentrt", [sample(1)]), setup("broken", [], "its host did not start")]),
    );
    expect(report).toContain("## Not measured\n- broken: its host did not start");
    expect(lineWith(report, "| broken")).toBeUndefined();
  });

  test("failure - nothing measured at all still makes a report", () => {
    const report = renderReport(result([setup("agentrt", [], "no")]));
    expect(report).toContain("- agentrt: no");
    expect(report).not.toContain("|");
  });
});
