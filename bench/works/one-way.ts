import { measureFlow } from "../flow.ts";
import type { Loop } from "../peers/command-lines.ts";
import type { System } from "../systems.ts";
import { type Candidate, HOST_CPU_US, type MakeWorks, PER_SECOND, scaled } from "./work.ts";

const SIZES = [128, 16, 4_096] as const;

/** Messages of a publisher before the measurement: enough that just-in-time compilers are done. */
const WARM_UP = { fast: 400_000, slow: 40_000 };

export const LOOPS: readonly { readonly loop: Loop; readonly name: string }[] = [
  { loop: "each", name: "agentrt, each awaited" },
  { loop: "burst", name: "agentrt, in bursts" },
];

/** One publisher, the host, one subscriber; three processes. */
export const oneWayWorks: MakeWorks = ({ agentrt, nats }) =>
  SIZES.map((bytes) => {
    const oneWay = (system: System, name: string, loop: Loop, warmUp: number): Candidate => ({
      name,
      system,
      measure: async (context) => {
        const { stage, seconds } = context;
        const host = await stage.startHost(system);
        const flags = ["--payload-bytes", String(bytes)];
        const subscriber = await stage.startProgram(host, {
          role: "subscriber",
          program: "subscriber",
        });
        const publisher = await stage.startProgram(host, {
          role: "publisher",
          program: "publisher",
          flags,
        });
        const flow = { publishers: [publisher], subscribers: [subscriber], fanOut: 1, loop };
        return await measureFlow(stage, flow, { warmUp: scaled(context, warmUp), seconds });
      },
    });
    return {
      id: `oneway-${bytes}`,
      group: "oneway",
      title: `One way, ${bytes} bytes: 1 publisher, 1 subscriber`,
      metrics: [PER_SECOND, HOST_CPU_US],
      candidates: [
        ...LOOPS.map(({ loop, name }) =>
          oneWay(agentrt, name, loop, bytes > 1_024 ? WARM_UP.slow : WARM_UP.fast),
        ),
        oneWay(nats, nats.name, "burst", bytes > 1_024 ? WARM_UP.slow : WARM_UP.fast),
      ],
    };
  });
