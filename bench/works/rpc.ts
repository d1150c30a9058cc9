import { measureRounds } from "../rounds.ts";
import type { System } from "../systems.ts";
import { type Candidate, type MakeWorks, P50_US, P99_US, scaled } from "./work.ts";

const IN_FLIGHT = 256;
const WARM_UP_CALLS = 20_000;

const calls = (system: System, inFlight: number): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, seconds } = context;
    const host = await stage.startHost(system);
    await stage.startProgram(host, { role: "callee", program: "callee" });
    const caller = await stage.startProgram(host, { role: "caller", program: "caller" });
    const warmUp = scaled(context, WARM_UP_CALLS, inFlight);
    const outcome = await measureRounds(stage, {
      ...{ program: caller, what: "call", inFlight, warmUp, seconds },
    });
    const { count, perSecond, p50Us, p99Us, cpu } = outcome;
    const values = inFlight === 1 ? { p50Us, p99Us, perSecond } : { perSecond };
    return { values, cpu, messages: count };
  },
});

export const rpcWorks: MakeWorks = ({ agentrt, nats }) => [
  {
    id: "rpc-one",
    group: "rpc",
    title: "Calls of 128 bytes through the host and back, one at a time",
    metrics: [P50_US, P99_US, { id: "perSecond", title: "calls/s", format: "count" }],
    candidates: [calls(agentrt, 1), calls(nats, 1)],
  },
  {
    id: "rpc-many",
    group: "rpc",
    title: `Calls of 128 bytes, ${IN_FLIGHT} in flight`,
    metrics: [{ id: "perSecond", title: "calls/s", format: "count" }],
    candidates: [calls(agentrt, IN_FLIGHT), calls(nats, IN_FLIGHT)],
  },
];
