import { describe, expect, test } from "bun:test";
import { renderReport } from "../../bench/report.ts";
import type { BenchResult, Measurement, SystemResult, WorkResult } from "../../bench/results.ts";

function measured(perSecond: number, cpu: Readonly<Record<string, number>> = {}): Measurement {
  return { values: { perSecond }, cpu, messages: 1_000 };
}

function system(
  name: string,
  measurements: readonly Measurement[],
  rest: Partial<SystemResult> = {},
): SystemResult {
  return { system: name, measurements, failures: [], unavailable: "", ...rest };
}

function work(id: string, systems: readonly SystemResult[]): WorkResult {
  const metrics = [{ id: "perSecond", title: "messages/s", format: "count" }] as const;
  return { id, group: id, title: `Work ${id}`, metrics, systems };
}

function result(works: readonly WorkResult[], rest: Partial<BenchResult> = {}): BenchResult {
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
      fileSystem: "ext4",
    },
    runs: 3,
    scale: 1,
    durationSeconds: 61.4,
    works,
    descriptions: [{ name: "agentrt", text: "agentrt 0.1.0, defaults" }],
    ...rest,
  };
}

function lineWith(report: string, start: string): string | undefined {
  return report.split("\n").find((line) => line.startsWith(start));
}

const AWAITED = "| one way, 128 bytes, messages/s; each awaited";

describe("bench report", () => {
  test("work - median and spread of each system, messages and failed runs", () => {
    const systems = [
      system("agentrt, in bursts", [measured(30_000), measured(10_000), measured(20_000)]),
      system("NATS", [measured(50_000)], { failures: ["of 10 deliveries 3 were lost"] }),
    ];
    const report = renderReport(result([work("oneway-128", systems)]));
    expect(report).toContain("### Work oneway-128");
    expect(lineWith(report, "| agentrt, in bursts")).toBe(
      "| agentrt, in bursts | 20,000 (10,000 to 30,000) | 1,000 | 0 |",
    );
    expect(lineWith(report, "| NATS")).toBe("| NATS | 50,000 | 1,000 | 1 |");
    expect(report).toContain("- NATS: a run failed, of 10 deliveries 3 were lost.");
  });

  test.each([
    [15_000, "1.50", "met"],
    [14_999, "1.50", "not met"],
    [30_000, "3.00", "met"],
  ])("target - %p of 10,000 has the ratio %p and is %p", (perSecond, ratio, verdict) => {
    const systems = [
      system("agentrt, each awaited", [measured(perSecond)]),
      system("NATS", [measured(10_000)]),
    ];
    const report = renderReport(result([work("oneway-128", systems)]));
    expect(lineWith(report, AWAITED)).toBe(
      `${AWAITED} | ${perSecond.toLocaleString("en-US")} | NATS | 10,000 | ${ratio} | at least 1.5x | ${verdict} |`,
    );
  });

  test("target - one failed run of agentrt's is enough to have failed", () => {
    const systems = [
      system("agentrt, each awaited", [measured(90_000)], { failures: ["3 were lost"] }),
      system("NATS", [measured(10_000)]),
    ];
    const report = renderReport(result([work("oneway-128", systems)]));
    expect(lineWith(report, AWAITED)).toEndWith("| 9.00 | at least 1.5x | failed |");
  });

  test("target - without a peer's number it is not measured, and works that were not chosen have no row", () => {
    const systems = [system("agentrt, each awaited", [measured(9)]), system("NATS", [])];
    const report = renderReport(result([work("oneway-128", systems)]));
    expect(lineWith(report, AWAITED)).toBe(
      `${AWAITED} | 9 | NATS |  |  | at least 1.5x | not measured |`,
    );
    expect(report).not.toContain("| fan-out");
  });

  test("target - what this version cannot do is not available, with the reason below", () => {
    const systems = [
      system("agentrt, durable", [], { unavailable: "no durable topics" }),
      system("NATS JetStream", [measured(500)]),
    ];
    const report = renderReport(result([work("durable-1", systems)]));
    expect(lineWith(report, "| stored and acknowledged, 1 in flight")).toBe(
      "| stored and acknowledged, 1 in flight, messages/s |  | NATS JetStream | 500 |  | at least 2x | not available |",
    );
    expect(report).toContain("- agentrt, durable: not available, no durable topics.");
  });

  test("target - a number of its own unit is compared as it is", () => {
    const metrics = [
      { id: "idleBytes", title: "idle, MiB", format: "MiB" },
      { id: "perConnection", title: "each connection, KiB", format: "KiB" },
      { id: "perSubscription", title: "each subscription, KiB", format: "KiB" },
    ] as const;
    const values = { idleBytes: 55.5 * 2 ** 20, perConnection: 31 * 1_024, perSubscription: 900 };
    const memory: WorkResult = {
      ...work("memory", [system("agentrt", [{ values, cpu: {}, messages: 0 }])]),
      metrics,
    };
    const report = renderReport(result([memory]));
    expect(lineWith(report, "| idle host")).toBe(
      "| idle host, MiB | 55.5 |  |  |  | at most 60.0 | met |",
    );
    expect(lineWith(report, "| idle connection")).toBe(
      "| idle connection, KiB | 31.0 |  |  |  | at most 30.0 | not met |",
    );
    expect(lineWith(report, "| subscription")).toBe(
      "| subscription, KiB | 0.88 |  |  |  | at most 1.00 | met |",
    );
    expect(lineWith(report, "| agentrt")).toBe("| agentrt | 55.5 | 31.0 | 0.88 | 0 | 0 |");
  });

  test("processor time - seconds of each kind of process, and microseconds for one message of all", () => {
    const cpu = { publisher: 0.001, host: 0.002, subscriber: 0.002 };
    const report = renderReport(result([work("many", [system("agentrt", [measured(1, cpu)])])]));
    expect(report).toContain(
      "| many | agentrt | publisher 0.00, host 0.00, subscriber 0.00 | 5.00 |",
    );
  });

  test("introduction - date, command, machine, versions and systems", () => {
    const report = renderReport(result([work("many", [system("agentrt", [measured(1)])])]));
    expect(report).toContain(
      "Made on 2026-01-31 by `bench/run.sh --runs 3` with agentrt 0.1.0, 3 interleaved runs, in 61 s.",
    );
    expect(report).toContain(
      "Machine: Some CPU, 2 cores, 24 GiB of memory, linux 6.1 x64, Bun 1.4.5; stored messages on ext4.",
    );
    expect(report).toContain("- **agentrt**: agentrt 0.1.0, defaults.");
    expect(report).not.toContain("Counts were multiplied");
    expect(report.endsWith(".\n")).toBe(true);
  });

  test("introduction - a run at a smaller scale says that it measures nothing", () => {
    const works = [work("many", [system("agentrt", [measured(1)])])];
    expect(renderReport(result(works, { scale: 0.05 }))).toContain(
      "Counts were multiplied by 0.05: a look at whether it works, not a measurement.",
    );
  });

  test("nothing measured at all still makes a report", () => {
    const report = renderReport(result([work("many", [system("agentrt", [])])]));
    expect(report).toContain("### Work many");
    expect(report).toContain("| not measured |");
  });
});
