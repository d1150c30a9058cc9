import { type Flow, measureFlow } from "../flow.ts";
import type { Measurement } from "../results.ts";
import type { System } from "../systems.ts";
import { hold } from "./memory.ts";
import {
  type Candidate,
  type Context,
  HOST_CPU_US,
  type MakeWorks,
  PER_SECOND,
  scaled,
  type Work,
} from "./work.ts";

const FEW = 10;
const WARM_UP_MESSAGES = 40_000;
/**
 * With many topics each message of a turn has another one, and with few as well: so both send the
 * same number of batches, and only what grows with the number of topics differs.
 */
const TOPICS_PER_TURN = 10;

/** One way as ever, while so many idle connections or subscriptions are there. */
const besideIdle =
  (what: "connections" | "subscriptions") =>
  (system: System, name: string, count: number): Candidate => ({
    name,
    system,
    measure: async (context) => {
      const { stage, seconds } = context;
      const host = await stage.startHost(system);
      await hold(stage, host, what, scaled(context, count, FEW));
      const subscriber = await stage.startProgram(host, {
        role: "subscriber",
        program: "subscriber",
      });
      const publisher = await stage.startProgram(host, { role: "publisher", program: "publisher" });
      const flow: Flow = {
        ...{ publishers: [publisher], subscribers: [subscriber], fanOut: 1, loop: "burst" },
      };
      const warmUp = scaled(context, WARM_UP_MESSAGES);
      return await measureFlow(stage, flow, { warmUp, seconds });
    },
  });

/** One way over so many topics in turn, all of which one subscriber gets by their prefix. */
const overTopics = (system: System, name: string, count: number): Candidate => ({
  name,
  system,
  measure: async (context) => await measureTopics(context, system, scaled(context, count, FEW)),
});

async function measureTopics(
  context: Context,
  system: System,
  topics: number,
): Promise<Measurement> {
  const { stage, seconds } = context;
  const host = await stage.startHost(system);
  const flags = ["--topics", String(topics)];
  const subscriber = await stage.startProgram(host, {
    ...{ role: "subscriber", program: "subscriber", flags },
  });
  const publisher = await stage.startProgram(host, {
    ...{ role: "publisher", program: "publisher", flags },
  });
  const flow: Flow = {
    ...{ publishers: [publisher], subscribers: [subscriber], fanOut: 1, loop: "burst" },
    perTurn: TOPICS_PER_TURN,
  };
  // Every topic has been used before the measurement, so that it is the going cost.
  const warmUp = Math.max(2 * topics, scaled(context, WARM_UP_MESSAGES));
  return await measureFlow(stage, flow, { warmUp, seconds });
}

type MakeCandidate = (system: System, name: string, count: number) => Candidate;

function growth(system: System, what: string, many: number, make: MakeCandidate): Work {
  const nameOf = (count: number): string => `${count.toLocaleString("en-US")} ${what}`;
  return {
    id: `growth-${what}`,
    group: "growth",
    title: `Growth: one way, 128 bytes, from ${nameOf(FEW)} to ${nameOf(many)}`,
    metrics: [HOST_CPU_US, PER_SECOND],
    candidates: [FEW, many].map((count) => make(system, nameOf(count), count)),
  };
}

export const growthWorks: MakeWorks = ({ agentrt }) => [
  growth(agentrt, "subscriptions", 10_000, besideIdle("subscriptions")),
  growth(agentrt, "connections", 1_000, besideIdle("connections")),
  growth(agentrt, "topics", 100_000, overTopics),
];
