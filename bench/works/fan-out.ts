import { measureFlow } from "../flow.ts";
import { TOPIC_TYPE } from "../peers/bench-message.ts";
import type { System } from "../systems.ts";
import { type Candidate, HOST_CPU_US, type MakeWorks, PER_SECOND, scaled } from "./work.ts";

const DELIVERIES = { ...PER_SECOND, title: "deliveries/s" };
const PROCESSES = 4;
const SUBSCRIBERS_OF_EACH = 25;
const PAIRS = 8;

/** One publisher whose messages a hundred subscribers in four processes get. */
const fanOut = (system: System, warmUp: number): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, seconds } = context;
    const host = await stage.startHost(system);
    const subscribers = await Promise.all(
      Array.from({ length: PROCESSES }, async (_, n) =>
        stage.startProgram(host, {
          role: "subscribers",
          program: "subscriber",
          flags: ["--name", `p${n}`, "--subscribers", String(SUBSCRIBERS_OF_EACH)],
        }),
      ),
    );
    const publisher = await stage.startProgram(host, { role: "publisher", program: "publisher" });
    const flow = {
      publishers: [publisher],
      subscribers,
      fanOut: PROCESSES * SUBSCRIBERS_OF_EACH,
      loop: "burst",
    } as const;
    return await measureFlow(stage, flow, { warmUp: scaled(context, warmUp), seconds });
  },
});

/** Eight publishers, each with a topic and a subscriber of its own. */
const pairs = (system: System, warmUp: number): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, seconds } = context;
    const host = await stage.startHost(system);
    const start = async (role: string, program: string) =>
      await Promise.all(
        Array.from({ length: PAIRS }, async (_, n) =>
          stage.startProgram(host, {
            role,
            program,
            flags: ["--name", `p${n}`, "--topic", `${TOPIC_TYPE}_${n}`],
          }),
        ),
      );
    const subscribers = await start("subscribers", "subscriber");
    const publishers = await start("publishers", "publisher");
    const flow = { publishers, subscribers, fanOut: 1, loop: "burst" } as const;
    return await measureFlow(stage, flow, { warmUp: scaled(context, warmUp), seconds });
  },
});

export const fanOutWorks: MakeWorks = ({ agentrt, nats }) => [
  {
    id: "fanout",
    group: "fanout",
    title: "Fan-out, 128 bytes: 1 publisher, 100 subscribers in 4 processes",
    metrics: [DELIVERIES, HOST_CPU_US],
    candidates: [fanOut(agentrt, 10_000), fanOut(nats, 10_000)],
  },
  {
    id: "many",
    group: "many",
    title: "128 bytes: 8 publishers, 8 subscribers, each in a process of its own",
    metrics: [PER_SECOND, HOST_CPU_US],
    candidates: [pairs(agentrt, 300_000), pairs(nats, 300_000)],
  },
];
