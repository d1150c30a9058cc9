import type { Child } from "./child.ts";
import {
  FailedRun,
  type Measurement,
  type SystemResult,
  Unavailable,
  type WorkResult,
} from "./results.ts";
import { Stage } from "./stage.ts";
import type { Tools } from "./tools.ts";
import type { Candidate, Work } from "./works/work.ts";

/** After so many failed runs a system is left alone for the rest of a piece of work. */
const MAX_FAILURES = 3;

export interface Plan {
  readonly runs: number;
  readonly seconds: number;
  readonly scale: number;
  readonly tools: Tools;
  /** Told how each measurement went. */
  readonly say: (text: string) => void;
  readonly onStart: (child: Child) => void;
}

interface Progress {
  readonly candidate: Candidate;
  readonly measurements: Measurement[];
  readonly failures: string[];
  unavailable: string;
}

export interface Outcome {
  readonly works: readonly WorkResult[];
  /** Something broke, beside runs that do not count. */
  readonly hasErrors: boolean;
}

/** Does all works in each run, and in each work all systems, which take turns in being first. */
export async function measureAll(works: readonly Work[], plan: Plan): Promise<Outcome> {
  const progress = works.map((work) => ({
    work,
    systems: work.candidates.map(
      (candidate): Progress => ({ candidate, measurements: [], failures: [], unavailable: "" }),
    ),
  }));
  let hasErrors = false;
  for (let run = 0; run < plan.runs; run += 1) {
    for (const { work, systems } of progress) {
      for (let turn = 0; turn < systems.length; turn += 1) {
        const one = systems[(run + turn) % systems.length];
        if (one === undefined || one.unavailable !== "" || one.failures.length >= MAX_FAILURES) {
          continue;
        }
        const label = `run ${run + 1} of ${plan.runs}, ${work.id}, ${one.candidate.name}`;
        const isFine = await measureOne(one, plan, label);
        hasErrors ||= !isFine;
      }
    }
  }
  return {
    hasErrors,
    works: progress.map(({ work: { id, group, title, metrics }, systems }) => ({
      ...{ id, group, title, metrics },
      systems: systems.map(toResult),
    })),
  };
}

/** @returns false when something broke */
async function measureOne(progress: Progress, plan: Plan, label: string): Promise<boolean> {
  const { tools, seconds, scale, onStart, say } = plan;
  await using stage = new Stage({ repository: tools.repository, onStart });
  try {
    const measurement = await progress.candidate.measure({ stage, tools, seconds, scale });
    progress.measurements.push(measurement);
    say(`${label}: ${summaryOf(measurement)}`);
    return true;
  } catch (error) {
    if (error instanceof Unavailable) {
      progress.unavailable = error.message;
      say(`${label}: not available, ${error.message}`);
      return true;
    }
    const text = error instanceof Error ? error.message : String(error);
    say(`${label}: FAILED, ${text}`);
    // What a program wrote may name anything, so the report says only that it broke.
    progress.failures.push(error instanceof FailedRun ? text : "a program failed");
    return error instanceof FailedRun;
  }
}

function summaryOf({ values, messages }: Measurement): string {
  const parts = Object.entries(values).map(([id, value]) => `${id} ${value.toPrecision(4)}`);
  return [...parts, `${messages} messages`].join(", ");
}

function toResult({ candidate, measurements, failures, unavailable }: Progress): SystemResult {
  return { system: candidate.name, measurements, failures, unavailable };
}
