import { GrpcWorkerAgentRuntime, TopicId } from "agentrt";
import { KEY } from "../bench-message.ts";
import { epochMs } from "../clock.ts";
import { commands, parseProgramArguments, say, unknownCommand } from "../command-lines.ts";
import { Payload } from "./payload.ts";

// Publishes now and then with high priority; each probe carries when it was sent.
const { address, topic: topicType } = parseProgramArguments();
const topic = new TopicId(topicType, KEY);
const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address });
await runtime.start();
say({ event: "ready" });
for await (const command of commands()) {
  if (command.do !== "probe") {
    throw unknownCommand("a prober", command);
  }
  const startedAt = epochMs();
  for (let index = 0; index < command.count; index += 1) {
    const bytes = new Uint8Array(Float64Array.of(epochMs()).buffer);
    await runtime.publishMessage(Payload.of(bytes), topic, { priority: "high" });
    await Bun.sleep(command.everyMs);
  }
  say({ event: "sent", startedAt, endedAt: epochMs() });
}
await runtime.stop();
