// Asks the sensor again and again. After three failures in a row it leaves it alone for a while.
import { AgentId, AgentrtError, GrpcWorkerAgentRuntime } from "agentrt";
import { Read, Reading } from "./messages.ts";

const PAUSE_MS = 100;
const REST_MS = 500;
const ANSWER_WITHIN_MS = 1_000;
const FAILURES_ALLOWED = 3;

const runtime = new GrpcWorkerAgentRuntime({
  hostAddress: process.env["AGENTRT_HOST_ADDRESS"] ?? "127.0.0.1:50051",
});
runtime.addMessageType(Reading);
await runtime.start();

const target = new AgentId("sensor", "cellar");
let failures = 0;
for (let attempt = 1; attempt <= 10; attempt += 1) {
  try {
    const reading = await runtime.sendMessage(Read.of({}), target, { timeoutMs: ANSWER_WITHIN_MS });
    if (Reading.is(reading)) {
      console.log(`${attempt}: ${reading.celsius} °C`);
    }
    failures = 0;
  } catch (thrown) {
    // The code says what kind of failure it is; its text is for people.
    const { code } = AgentrtError.from(thrown);
    failures += 1;
    console.log(`${attempt}: ${code}`);
  }
  if (failures === FAILURES_ALLOWED) {
    console.log("The sensor gets a rest.");
    failures = 0;
    await Bun.sleep(REST_MS);
  }
  await Bun.sleep(PAUSE_MS);
}
await runtime.stop();
