// Asks the sensor ten times, and prints what it says or why it says nothing.
import { setTimeout as sleep } from "node:timers/promises";
import { AgentId, AgentrtError, GrpcWorkerAgentRuntime } from "agentrt";
import { Read, Reading } from "./messages.ts";

const PAUSE_MS = 1_000;

const runtime = new GrpcWorkerAgentRuntime({
  hostAddress: process.env["AGENTRT_HOST_ADDRESS"] ?? "127.0.0.1:50051",
});
runtime.addMessageType(Reading);
await runtime.start();

for (let attempt = 1; attempt <= 10; attempt += 1) {
  try {
    const reading = await runtime.sendMessage(Read.of({}), new AgentId("sensor", "cellar"));
    if (Reading.is(reading)) {
      console.log(`${attempt}: ${reading.celsius} °C, reading ${reading.count}`);
    }
  } catch (error) {
    // The code says what kind of failure it is; its text is for people.
    console.log(`${attempt}: ${AgentrtError.from(error).code}`);
  }
  await sleep(PAUSE_MS);
}
await runtime.stop();
