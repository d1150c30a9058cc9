// Asks the assistant one question.
import { AgentId, GrpcWorkerAgentRuntime } from "agentrt";
import { Question, Reply } from "./messages.ts";

await using runtime = new GrpcWorkerAgentRuntime({
  hostAddress: process.env["AGENTRT_HOST_ADDRESS"] ?? "127.0.0.1:50051",
});
runtime.addMessageType(Reply);
await runtime.start();
const text = process.argv.slice(2).join(" ");
const reply = await runtime.sendMessage(Question.of({ text }), new AgentId("assistant", "house"));
console.log(Reply.is(reply) ? reply.text : "(no answer)");
