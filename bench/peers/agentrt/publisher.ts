import { GrpcWorkerAgentRuntime, TopicId } from "agentrt";
import { KEY, payloadsOf } from "../bench-message.ts";
import { parseProgramArguments, topicsOf } from "../command-lines.ts";
import { runPublisher } from "../sender-loops.ts";
import { Payload } from "./payload.ts";

const program = parseProgramArguments();
const payload = payloadsOf(program.payloadBytes);
const topics = topicsOf(program).map((type) => new TopicId(type, KEY));
const topicAt = (index: number): TopicId => {
  const topic = topics[index % topics.length];
  if (topic === undefined) {
    throw new RangeError("there is no topic to publish on");
  }
  return topic;
};
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: program.address });
await runtime.start();
await runPublisher({
  publish: (sequence, index) =>
    runtime.publishMessage(Payload.of(payload(sequence)), topicAt(index)),
  flush: () => Promise.resolve(),
});
await runtime.stop();
