import { measureFlow } from "../flow.ts";
import { LAST_JSON_SEQUENCE } from "../peers/bench-message.ts";
import { measureRounds } from "../rounds.ts";
import type { System } from "../systems.ts";
import { type Candidate, type MakeWorks, P50_US, P99_US, PER_SECOND, scaled } from "./work.ts";

const WARM_UP = { messages: 20_000, calls: 2_000 };

/** AutoGen's Python workers: messages one way, then calls one at a time. */
const python = (system: System): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, seconds } = context;
    const host = await stage.startHost(system);
    const subscriber = await stage.startProgram(host, {
      role: "subscriber",
      program: "subscriber",
    });
    const publisher = await stage.startProgram(host, { role: "publisher", program: "publisher" });
    const flow = {
      ...{ publishers: [publisher], subscribers: [subscriber], fanOut: 1 },
      loop: "each",
      lastSequence: LAST_JSON_SEQUENCE,
    } as const;
    const warmUp = scaled(context, WARM_UP.messages);
    const oneWay = await measureFlow(stage, flow, { warmUp, seconds });
    await Promise.all([subscriber.stop(), publisher.stop()]);
    return { ...oneWay, values: { ...oneWay.values, ...hostCpuOf(oneWay.values) } };
  },
});

function hostCpuOf(values: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  // Microseconds for each message are a tenth of the seconds for a hundred thousand.
  return { hostCpuPer100k: (values["hostCpuUs"] ?? Number.NaN) / 10 };
}

const pythonCalls = (system: System): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, seconds } = context;
    const host = await stage.startHost(system);
    await stage.startProgram(host, { role: "callee", program: "callee" });
    const program = await stage.startProgram(host, { role: "caller", program: "caller" });
    const warmUp = scaled(context, WARM_UP.calls);
    const outcome = await measureRounds(stage, {
      ...{ program, what: "call", inFlight: 1, warmUp, seconds },
    });
    const { count, p50Us, p99Us, cpu } = outcome;
    return { values: { p50Us, p99Us }, cpu, messages: count };
  },
});

export const autogenWorks: MakeWorks = ({ agentrtPython, autogen }) => [
  {
    id: "autogen-oneway",
    group: "autogen",
    title: "AutoGen's protocol, JSON of 128 bytes: Python worker, host, Python worker",
    metrics: [
      PER_SECOND,
      { id: "hostCpuPer100k", title: "host CPU s for 100,000", format: "decimal" },
    ],
    candidates: [python(agentrtPython), python(autogen)],
  },
  {
    id: "autogen-calls",
    group: "autogen",
    title: "AutoGen's protocol: calls between Python workers, one at a time",
    metrics: [P50_US, P99_US],
    candidates: [pythonCalls(agentrtPython), pythonCalls(autogen)],
  },
];
