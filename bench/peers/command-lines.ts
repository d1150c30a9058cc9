import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import * as v from "valibot";

/** How a publisher's loop is written: each message awaited, or a burst for each turn of the event loop. */
const Loop = v.picklist(["each", "burst"]);
export type Loop = v.InferOutput<typeof Loop>;

/** One line on a program's standard input. */
const Command = v.variant("do", [
  v.object({ do: v.literal("expect"), first: v.number(), count: v.number() }),
  v.object({
    do: v.literal("send"),
    first: v.number(),
    count: v.number(),
    loop: Loop,
    /** Messages of one burst. */
    perTurn: v.number(),
  }),
  v.object({ do: v.literal("call"), first: v.number(), count: v.number(), inFlight: v.number() }),
  v.object({ do: v.literal("store"), first: v.number(), count: v.number(), inFlight: v.number() }),
  v.object({ do: v.literal("probe"), count: v.number(), everyMs: v.number() }),
  v.object({
    do: v.literal("hold"),
    what: v.picklist(["connections", "subscriptions"]),
    count: v.number(),
  }),
  v.object({ do: v.literal("tally") }),
  v.object({ do: v.literal("audit") }),
]);
export type Command = v.InferOutput<typeof Command>;

const arrivals = {
  distinct: v.number(),
  duplicates: v.number(),
  /** Messages outside the announced range. */
  strangers: v.number(),
  /** Milliseconds since 1970 when everything had arrived, or of this report. */
  lastAt: v.number(),
};

/** One line on a program's standard output. Times are milliseconds since 1970. */
export const Line = v.variant("event", [
  v.object({ event: v.literal("ready") }),
  v.object({ event: v.literal("unavailable"), reason: v.string() }),
  v.object({ event: v.literal("armed") }),
  v.object({ event: v.literal("held") }),
  v.object({ event: v.literal("sent"), startedAt: v.number(), endedAt: v.number() }),
  v.object({ event: v.literal("received"), ...arrivals }),
  v.object({ event: v.literal("tally"), ...arrivals }),
  v.object({
    event: v.literal("called"),
    elapsedMs: v.number(),
    /** Each one's own time in microseconds; empty when many were in flight. */
    latenciesUs: v.array(v.number()),
  }),
  /** How many messages the system keeps; null when it cannot be asked. */
  v.object({ event: v.literal("audited"), stored: v.nullable(v.number()) }),
  v.object({
    event: v.literal("probed"),
    /** When each probe was sent, and how long it was on its way. */
    probes: v.array(v.object({ sentAt: v.number(), tookUs: v.number() })),
  }),
]);
export type Line = v.InferOutput<typeof Line>;

export interface ProgramArguments {
  /** `host:port` of the host or server. */
  readonly address: string;
  readonly payloadBytes: number;
  /** What a publisher publishes on, and a subscriber hears. */
  readonly topic: string;
  /** So many topics instead of one, named `topic.0` and on. */
  readonly topics: number;
  /** Subscribers in this one process. */
  readonly subscribers: number;
  /** Makes names unique among several processes of one kind. */
  readonly name: string;
}

export function parseProgramArguments(): ProgramArguments {
  const { values } = parseArgs({
    options: {
      address: { type: "string" },
      "payload-bytes": { type: "string", default: "128" },
      topic: { type: "string", default: "bench" },
      topics: { type: "string", default: "1" },
      subscribers: { type: "string", default: "1" },
      name: { type: "string", default: "a" },
    },
  });
  if (values.address === undefined) {
    throw new RangeError("--address HOST:PORT is missing");
  }
  return {
    address: values.address,
    payloadBytes: Number(values["payload-bytes"]),
    topic: values.topic,
    topics: Number(values.topics),
    subscribers: Number(values.subscribers),
    name: values.name,
  };
}

/** `topic` itself, or when there are many, `topic.0` and on. */
export function topicsOf({ topic, topics }: ProgramArguments): readonly string[] {
  return topics === 1 ? [topic] : Array.from({ length: topics }, (_, n) => `${topic}.${n}`);
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

/** For a program that was told something which it is not made for. */
export function unknownCommand(program: string, command: Command): RangeError {
  return new RangeError(`${program} does not know the command ${command.do}`);
}
