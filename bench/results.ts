/** Processor time of one process over a measured stretch, in seconds, user and system together. */
export interface CpuSeconds {
  /** The process that publishes or calls. */
  readonly sender: number;
  /** The host or server. */
  readonly host: number;
  /** The process that subscribes or is called. */
  readonly receiver: number;
}

export interface ThroughputSample {
  readonly messages: number;
  /** Sent and never seen. */
  readonly lost: number;
  readonly duplicates: number;
  /** From before the first publish to the last arrival. */
  readonly seconds: number;
  readonly cpu: CpuSeconds;
}

export interface LatencySample {
  readonly calls: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface ConcurrentCallsSample {
  readonly calls: number;
  readonly inFlight: number;
  readonly seconds: number;
  readonly cpu: CpuSeconds;
}

/** One setup measured once. */
export interface Sample {
  readonly throughput: ThroughputSample;
  readonly oneAtATime: LatencySample;
  readonly concurrent: ConcurrentCallsSample;
}

export interface SetupResult {
  readonly name: string;
  /** Versions and settings, for the reader. */
  readonly description: string;
  readonly samples: readonly Sample[];
  /** Why the setup could not be measured; empty when it could. */
  readonly failure: string;
}

export interface Machine {
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly bunVersion: string;
}

export interface BenchResult {
  /** Day of the run, as `2026-01-31`. */
  readonly date: string;
  readonly command: string;
  readonly agentrtVersion: string;
  readonly machine: Machine;
  readonly runs: number;
  readonly payloadBytes: number;
  readonly durationSeconds: number;
  /** The first is the one that the ratios compare with. */
  readonly setups: readonly SetupResult[];
}
