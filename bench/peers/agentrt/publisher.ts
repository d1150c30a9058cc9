import { GrpcWorkerAgentRuntime, TopicId } from "agentrt";
import { KEY, paddingFor, TOPIC_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runPublisher } from "../sender-loops.ts";
import { BenchMessage } from "./message.ts";

const { address, payloadBytes } = parseProgramArguments();
const text = paddingFor(payloadBytes);
const topic = new TopicId(TOPIC_TYPE, KEY);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
await runPublisher({
  publish: (sequence) => runtime.publishMessage(BenchMessage.of({ sequence, text }), topic),
  flush: () => Promise.resolve(),
});
await runtime.stop();
