import { AgentId, type BytesMessage, GrpcWorkerAgentRuntime } from "agentrt";
import { AGENT_TYPE, KEY, payloadsOf, sequenceIn } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runCaller } from "../sender-loops.ts";
import { Payload } from "./payload.ts";

const { address, payloadBytes } = parseProgramArguments();
const payload = payloadsOf(payloadBytes);
const callee = new AgentId(AGENT_TYPE, KEY);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
runtime.addMessageType(Payload);
await runtime.start();
await runCaller(async (sequence) => {
  const answer = await runtime.sendMessage<BytesMessage>(Payload.of(payload(sequence)), callee);
  if (answer === undefined) {
    throw new Error(`call ${sequence} was answered with nothing`);
  }
  return sequenceIn(answer.bytes);
});
await runtime.stop();
