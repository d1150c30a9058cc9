import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import * as v from "valibot";

/** One line on a program's standard input. */
const Command = v.variant("do", [
  v.object({ do: v.literal("expect"), first: v.number(), count: v.number() }),
  v.object({ do: v.literal("send"), first: v.number(), count: v.number() }),
  v.object({ do: v.literal("call"), first: v.number(), count: v.number(), inFlight: v.number() }),
  v.object({ do: v.literal("tally") }),
]);
export type Command = v.InferOutput<typeof Command>;

const arrivals = {
  distinct: v.number(),
  duplicates: v.number(),
  /** Messages outside the announced range. */
  strangers: v.number(),
  /** Milliseconds since 1970 at the newest message of the range; 0 before the first. */
  lastAt: v.number(),
};

/** One line on a program's standard output. Times are milliseconds since 1970. */
export const Line = v.variant("event", [
  v.object({ event: v.literal("ready") }),
  v.object({ event: v.literal("armed") }),
  v.object({ event: v.literal("sent"), startedAt: v.number(), endedAt: v.number() }),
  v.object({ event: v.literal("received"), ...arrivals }),
  v.object({ event: v.literal("tally"), ...arrivals }),
  v.object({
    event: v.literal("called"),
    elapsedMs: v.number(),
    /** Each call's own time in microseconds; empty when several calls were in flight. */
    latenciesUs: v.array(v.number()),
  }),
]);
export type Line = v.InferOutput<typeof Line>;

export interface ProgramArguments {
  /** `host:port` of the host or server. */
  readonly address: string;
  readonly payloadBytes: number;
}

export function parseProgramArguments(): ProgramArguments {
  const { values } = parseArgs({
    options: {
      address: { type: "string" },
      "payload-bytes": { type: "string", default: "128" },
    },
  });
  if (values.address === undefined) {
    throw new RangeError("--address HOST:PORT is missing");
  }
  return { address: values.address, payloadBytes: Number(values["payload-bytes"]) };
}

export function say(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The orchestrator's commands, one at a time; ends when it closes standard input. */
export async function* commands(): AsyncGenerator<Command> {
  for await (const text of createInterface({ input: process.stdin })) {
    yield v.parse(Command, JSON.parse(text));
  }
}
