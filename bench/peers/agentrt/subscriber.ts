import { defineAgent, GrpcWorkerAgentRuntime, TypeSubscription } from "agentrt";
import { AGENT_TYPE, TOPIC_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runSubscriber } from "../receiver-loops.ts";
import { Tally } from "../tally.ts";
import { BenchMessage } from "./message.ts";

const { address } = parseProgramArguments();
const tally = new Tally();
const subscriber = defineAgent({
  description: "Counts messages",
  setup(agent) {
    agent.handleEvent(BenchMessage, ({ sequence }) => tally.add(sequence));
  },
});
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
await runtime.registerFactory(AGENT_TYPE, subscriber);
await runtime.addSubscription(new TypeSubscription(TOPIC_TYPE, AGENT_TYPE));
await runSubscriber(tally);
await runtime.stop();
