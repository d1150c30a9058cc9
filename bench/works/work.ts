import type { Measurement, Metric } from "../results.ts";
import type { Stage } from "../stage.ts";
import type { System, Systems } from "../systems.ts";
import type { Tools } from "../tools.ts";

/** What a measurement is given. */
export interface Context {
  readonly stage: Stage;
  readonly tools: Tools;
  /** Aim for the length of one measured stretch. */
  readonly seconds: number;
  /** Multiplies every count; below 1 for a quick look. */
  readonly scale: number;
}

/** One system that does a piece of work. */
export interface Candidate {
  /** In the report; a system may do the same work in two ways. */
  readonly name: string;
  readonly system: System;
  measure(context: Context): Promise<Measurement>;
}

/** One piece of work that several systems do in turn. */
export interface Work {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly candidates: readonly Candidate[];
}

export type MakeWorks = (systems: Systems, tools: Tools) => readonly Work[];

/** A count by the scale of the run, at least `least`. */
export function scaled({ scale }: Context, count: number, least = 1): number {
  return Math.max(least, Math.round(count * scale));
}

export const PER_SECOND: Metric = { id: "perSecond", title: "messages/s", format: "count" };
export const HOST_CPU_US: Metric = {
  id: "hostCpuUs",
  title: "host CPU, µs each",
  format: "decimal",
};
export const P50_US: Metric = { id: "p50Us", title: "p50 µs", format: "count" };
export const P99_US: Metric = { id: "p99Us", title: "p99 µs", format: "count" };
