import type { HostReport } from "../core/host-report.ts";

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricDeclaration {
  readonly kind: "gauge" | "counter";
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly read: (report: HostReport) => number | readonly Sample[];
}
