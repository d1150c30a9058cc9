import { GrpcWorkerAgentRuntime, TopicId } from "agentrt";
import { DURABLE_TOPIC_TYPE, KEY, payloadsOf } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runStorer } from "../sender-loops.ts";
import { Payload } from "./payload.ts";

// The topic was declared durable before, so that an awaited publish resolves when it is stored.
const { address, payloadBytes } = parseProgramArguments();
const payload = payloadsOf(payloadBytes);
const topic = new TopicId(DURABLE_TOPIC_TYPE, KEY);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
await runStorer({
  store: async (sequence) => await runtime.publishMessage(Payload.of(payload(sequence)), topic),
});
await runtime.stop();
