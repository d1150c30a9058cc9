import type { Child } from "../child.ts";
import { sendAndCount } from "../flow.ts";
import { FIRST_SEQUENCE } from "../peers/bench-message.ts";
import { FailedRun } from "../results.ts";
import { START_LIMIT_MS } from "../stage.ts";
import { quantileOf } from "../statistics.ts";
import type { System } from "../systems.ts";
import { type Candidate, type MakeWorks, scaled } from "./work.ts";

const PROBE_LIMIT_MS = 60_000;
const EVERY_MS = 5;
const WARM_UP_MESSAGES = 40_000;
/** The flood is planned longer than the probes, and only probes that were sent meanwhile count. */
const FLOOD_SHARE = 1.5;

interface Probes {
  readonly sentAt: number;
  readonly tookUs: number;
}

/** Messages of high priority to an agent that does nothing else, then to one that is flooded. */
const probed = (system: System): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, seconds } = context;
    const host = await stage.startHost(system);
    const agent = await stage.startProgram(host, { role: "subscriber", program: "flooded" });
    const publisher = await stage.startProgram(host, { role: "publisher", program: "publisher" });
    const prober = await stage.startProgram(host, { role: "prober", program: "prober" });
    const flow = {
      ...{ publishers: [publisher], subscribers: [agent], fanOut: 1 },
      loop: "burst",
    } as const;
    const count = Math.max(20, Math.round((seconds * 1_000) / EVERY_MS));
    await probe(prober, agent, Math.min(count, 100));
    const idle = await probe(prober, agent, count);

    const round = scaled(context, WARM_UP_MESSAGES);
    await sendAndCount(stage, flow, FIRST_SEQUENCE, round);
    const warm = await sendAndCount(stage, flow, FIRST_SEQUENCE + round, round);
    const rate = round / warm.seconds;
    const flood = Math.max(round, Math.round(rate * seconds * FLOOD_SHARE));
    const probing = probe(prober, agent, count);
    const flooding = sendAndCount(stage, flow, FIRST_SEQUENCE + 2 * round, flood);
    const [all, flooded] = await Promise.all([probing, flooding]);
    const busy = all.filter(
      ({ sentAt }) => sentAt >= flooded.startedAt && sentAt <= flooded.publishedAt,
    );
    if (busy.length === 0) {
      throw new FailedRun("the flood was over before a probe was sent");
    }
    return {
      values: {
        idleP99Us: p99Of(idle),
        floodP99Us: p99Of(busy),
        floodPerSecond: flooded.deliveries / flooded.seconds,
      },
      cpu: flooded.cpu,
      messages: flooded.deliveries,
    };
  },
});

async function probe(prober: Child, agent: Child, count: number): Promise<readonly Probes[]> {
  agent.send({ do: "probe", count, everyMs: EVERY_MS });
  await agent.next("armed", START_LIMIT_MS);
  prober.send({ do: "probe", count, everyMs: EVERY_MS });
  await prober.next("sent", PROBE_LIMIT_MS);
  const { probes } = await agent.next("probed", PROBE_LIMIT_MS);
  return probes;
}

function p99Of(probes: readonly Probes[]): number {
  return quantileOf(
    probes.map(({ tookUs }) => tookUs),
    0.99,
  );
}

export const priorityWorks: MakeWorks = ({ agentrt }) => [
  {
    id: "priority",
    group: "priority",
    title: `Priority: a high message every ${EVERY_MS} ms, while another worker floods the same agent with normal ones`,
    metrics: [
      { id: "idleP99Us", title: "high, idle, p99 µs", format: "count" },
      { id: "floodP99Us", title: "high, flooded, p99 µs", format: "count" },
      { id: "floodPerSecond", title: "normal messages/s", format: "count" },
    ],
    candidates: [probed(agentrt)],
  },
];
