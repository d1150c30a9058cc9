import { connect } from "@nats-io/transport-node";
import { AGENT_TYPE, type BenchMessageData, paddingFor } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runCaller } from "../sender-loops.ts";

const { address, payloadBytes } = parseProgramArguments();
const text = paddingFor(payloadBytes);
const connection = await connect({ servers: address, reconnect: false });
await runCaller(async (sequence) => {
  const answer = await connection.request(AGENT_TYPE, JSON.stringify({ sequence, text }), {
    timeout: 10_000,
  });
  return answer.json<BenchMessageData>().sequence;
});
await connection.close();
