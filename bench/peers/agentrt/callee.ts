import { defineAgent, GrpcWorkerAgentRuntime } from "agentrt";
import { AGENT_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runCallee } from "../receiver-loops.ts";
import { Payload } from "./payload.ts";

const { address } = parseProgramArguments();
const callee = defineAgent({
  description: "Answers each call with what it got",
  setup(agent) {
    agent.handleRpc(Payload, ({ bytes }) => Payload.of(bytes));
  },
});
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
await runtime.registerFactory(AGENT_TYPE, callee);
await runCallee();
await runtime.stop();
