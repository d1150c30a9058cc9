import { defineAgent, GrpcWorkerAgentRuntime, TypeSubscription } from "agentrt";
import { AGENT_TYPE, sequenceIn } from "../bench-message.ts";
import { epochMs } from "../clock.ts";
import { commands, parseProgramArguments, say, unknownCommand } from "../command-lines.ts";
import { Tallies } from "../tally.ts";
import { Payload } from "./payload.ts";

const PROBE_BYTES = Float64Array.BYTES_PER_ELEMENT;

// One agent that gets the flood and the probes; what is longer than a probe is flood.
const { address, topic } = parseProgramArguments();
const tallies = new Tallies(1);
let probes: { sentAt: number; tookUs: number }[] = [];
let wanted = 0;
const agentType = `${AGENT_TYPE}.flooded`;
const flooded = defineAgent({
  description: "Counts the flood and times the probes",
  setup(agent) {
    agent.handleEvent(Payload, ({ bytes }) => {
      if (bytes.byteLength !== PROBE_BYTES) {
        tallies.all[0]?.add(sequenceIn(bytes));
        return;
      }
      const sentAt = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
      probes.push({ sentAt, tookUs: (epochMs() - sentAt) * 1000 });
      if (probes.length === wanted) {
        say({ event: "probed", probes });
      }
    });
  },
});
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
await runtime.registerFactory(agentType, flooded);
await runtime.addSubscription(new TypeSubscription(topic, agentType));
say({ event: "ready" });
for await (const command of commands()) {
  if (command.do === "expect") {
    tallies.expect(command.first, command.count);
    say({ event: "armed" });
  } else if (command.do === "probe") {
    probes = [];
    wanted = command.count;
    say({ event: "armed" });
  } else if (command.do === "tally") {
    tallies.report("tally");
  } else {
    throw unknownCommand("the flooded agent", command);
  }
}
await runtime.stop();
