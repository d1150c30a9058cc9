/** What one system did in one run of one piece of work. */
export interface Measurement {
  /** By the ids of the work's metrics. */
  readonly values: Readonly<Record<string, number>>;
  /** Processor seconds over the measured stretch by role, user and system together. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Messages or calls of the measured stretch, all of which arrived; 0 where nothing was sent. */
  readonly messages: number;
}

/** A run that does not count: something was lost or came twice. */
export class FailedRun extends Error {}

/** A system that cannot do a piece of work at all, which is no error. */
export class Unavailable extends Error {}

/** One system in one piece of work, over all runs. */
export interface SystemResult {
  readonly system: string;
  readonly measurements: readonly Measurement[];
  /** Runs that do not count, each with the reason. */
  readonly failures: readonly string[];
  /** Why it was not measured at all; empty when it was. */
  readonly unavailable: string;
}

export type MetricFormat = "count" | "decimal" | "KiB" | "MiB";

export interface Metric {
  readonly id: string;
  /** With its unit. */
  readonly title: string;
  readonly format: MetricFormat;
}

export interface WorkResult {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly systems: readonly SystemResult[];
}

export interface Machine {
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly bunVersion: string;
  /** Of the folder where stored messages go. */
  readonly fileSystem: string;
}

export interface BenchResult {
  /** Day of the run, as `2026-01-31`. */
  readonly date: string;
  readonly command: string;
  readonly agentrtVersion: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly scale: number;
  readonly durationSeconds: number;
  readonly works: readonly WorkResult[];
  /** Versions and settings of each system. */
  readonly descriptions: readonly { readonly name: string; readonly text: string }[];
}
