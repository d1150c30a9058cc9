import type { Child } from "./child.ts";
import { FIRST_SEQUENCE } from "./peers/bench-message.ts";
import { cpuBetween, type Stage } from "./stage.ts";
import { quantileOf } from "./statistics.ts";

const MEASURE_LIMIT_MS = 60_000;
const MOST = 4_000_000;

/** A program that does one thing after another, or many at once, and each ends with an answer. */
export interface Rounds {
  readonly program: Child;
  readonly what: "call" | "store";
  readonly inFlight: number;
  readonly warmUp: number;
  readonly seconds: number;
}

export interface RoundsOutcome {
  readonly count: number;
  /** With those of the warm-up. */
  readonly total: number;
  readonly perSecond: number;
  /** In microseconds; NaN when many were in flight. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpu: Readonly<Record<string, number>>;
}

/** Warms up in two rounds, then measures as many as fill the time. */
export async function measureRounds(stage: Stage, rounds: Rounds): Promise<RoundsOutcome> {
  await run(stage, rounds, rounds.warmUp);
  const warm = await run(stage, rounds, rounds.warmUp);
  const wanted = Math.round(warm.perSecond * rounds.seconds);
  const measured = await run(stage, rounds, Math.max(rounds.warmUp, Math.min(MOST, wanted)));
  return { ...measured, total: 2 * rounds.warmUp + measured.count };
}

async function run(
  stage: Stage,
  { program, what, inFlight }: Rounds,
  count: number,
): Promise<Omit<RoundsOutcome, "total">> {
  const before = await stage.cpu();
  program.send({ do: what, first: FIRST_SEQUENCE, count, inFlight });
  const { elapsedMs, latenciesUs } = await program.next("called", MEASURE_LIMIT_MS);
  const cpu = cpuBetween(before, await stage.cpu());
  const isEach = latenciesUs.length > 0;
  return {
    count,
    perSecond: count / (elapsedMs / 1000),
    p50Us: isEach ? quantileOf(latenciesUs, 0.5) : Number.NaN,
    p99Us: isEach ? quantileOf(latenciesUs, 0.99) : Number.NaN,
    cpu,
  };
}
