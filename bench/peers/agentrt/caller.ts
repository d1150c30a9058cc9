import { AgentId, GrpcWorkerAgentRuntime, type MessageOf } from "agentrt";
import { AGENT_TYPE, KEY, paddingFor } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runCaller } from "../sender-loops.ts";
import { BenchMessage } from "./message.ts";

const { address, payloadBytes } = parseProgramArguments();
const text = paddingFor(payloadBytes);
const callee = new AgentId(AGENT_TYPE, KEY);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
runtime.addMessageType(BenchMessage);
await runtime.start();
await runCaller(async (sequence) => {
  const answer = await runtime.sendMessage<MessageOf<typeof BenchMessage>>(
    BenchMessage.of({ sequence, text }),
    callee,
  );
  if (answer === undefined) {
    throw new Error(`call ${sequence} was answered with nothing`);
  }
  return answer.sequence;
});
await runtime.stop();
