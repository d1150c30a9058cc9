import { connect } from "@nats-io/transport-node";
import { AGENT_TYPE, payloadsOf, sequenceIn } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runCaller } from "../sender-loops.ts";

const { address, payloadBytes } = parseProgramArguments();
const payload = payloadsOf(payloadBytes);
const connection = await connect({ servers: address, reconnect: false });
await runCaller(async (sequence) => {
  const answer = await connection.request(AGENT_TYPE, payload(sequence), { timeout: 10_000 });
  return sequenceIn(answer.data);
});
await connection.close();
