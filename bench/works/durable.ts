import { DURABLE_TOPIC_TYPE } from "../peers/bench-message.ts";
import { FailedRun, Unavailable } from "../results.ts";
import { measureRounds } from "../rounds.ts";
import type { RunningHost } from "../stage.ts";
import type { System } from "../systems.ts";
import type { Tools } from "../tools.ts";
import { type Candidate, type MakeWorks, P50_US, P99_US, PER_SECOND, scaled } from "./work.ts";

const WARM_UP = 2_000;
const AUDIT_LIMIT_MS = 60_000;
/** A program that does not know a command says so. */
const EXIT_USAGE = 2;

type Prepare = (tools: Tools, host: RunningHost) => Promise<void>;

/** One publisher whose messages are acknowledged when they are stored. */
const store = (system: System, inFlight: number, prepare?: Prepare): Candidate => ({
  name: system.name,
  system,
  measure: async (context) => {
    const { stage, tools, seconds } = context;
    const host = await stage.startHost(system);
    await prepare?.(tools, host);
    const program = await stage.startProgram(host, { role: "publisher", program: "storer" });
    const warmUp = scaled(context, WARM_UP, inFlight);
    const outcome = await measureRounds(stage, {
      ...{ program, what: "store", inFlight, warmUp, seconds },
    });
    const { count, total, perSecond, p50Us, p99Us, cpu } = outcome;
    program.send({ do: "audit" });
    const { stored } = await program.next("audited", AUDIT_LIMIT_MS);
    if (stored !== null && stored !== total) {
      throw new FailedRun(`${total} messages were acknowledged, but ${stored} are kept`);
    }
    const values = inFlight === 1 ? { perSecond, p50Us, p99Us } : { perSecond };
    return { values, cpu, messages: count };
  },
});

/** Says through the program's own command that the topic is durable. @throws Unavailable when it cannot */
const declareDurable: Prepare = async (tools, { address }) => {
  const command = [tools.agentrt, "topic", "set", DURABLE_TOPIC_TYPE, "--durable"];
  const child = Bun.spawn([...command, "--host-address", address], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const code = await child.exited;
  if (code === EXIT_USAGE) {
    throw new Unavailable("this version has no durable topics (agentrt topic set)");
  }
  if (code !== 0) {
    throw new Error(`agentrt topic set ended with ${code}`);
  }
};

export const durableWorks: MakeWorks = ({ agentrtData, jetstream, mosquitto, mosquittoStrict }) =>
  [1, 64].map((inFlight) => ({
    id: `durable-${inFlight}`,
    group: "durable",
    title: `Stored and acknowledged, 128 bytes, ${inFlight} in flight`,
    metrics: inFlight === 1 ? [PER_SECOND, P50_US, P99_US] : [PER_SECOND],
    candidates: [
      store(agentrtData, inFlight, declareDurable),
      store(jetstream, inFlight),
      store(mosquittoStrict, inFlight),
      store(mosquitto, inFlight),
    ],
  }));
