import {
  defineAgent,
  GrpcWorkerAgentRuntime,
  TypePrefixSubscription,
  TypeSubscription,
} from "agentrt";
import { AGENT_TYPE, sequenceIn } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runSubscriber } from "../receiver-loops.ts";
import { Tallies } from "../tally.ts";
import { Payload } from "./payload.ts";

const { address, name, subscribers, topic, topics } = parseProgramArguments();
const tallies = new Tallies(subscribers);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
for (const [index, tally] of tallies.all.entries()) {
  const type = `${AGENT_TYPE}.${name}.${index}`;
  const counter = defineAgent({
    description: "Counts messages",
    setup(agent) {
      agent.handleEvent(Payload, ({ bytes }) => tally.add(sequenceIn(bytes)));
    },
  });
  await runtime.registerFactory(type, counter);
  await runtime.addSubscription(
    topics === 1 ? new TypeSubscription(topic, type) : new TypePrefixSubscription(topic, type),
  );
}
await runSubscriber(tallies);
await runtime.stop();
