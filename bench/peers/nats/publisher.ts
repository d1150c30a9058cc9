import { connect } from "@nats-io/transport-node";
import { paddingFor, TOPIC_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runPublisher } from "../sender-loops.ts";

const { address, payloadBytes } = parseProgramArguments();
const text = paddingFor(payloadBytes);
const connection = await connect({ servers: address, reconnect: false });
await runPublisher({
  publish: (sequence) => connection.publish(TOPIC_TYPE, JSON.stringify({ sequence, text })),
  flush: () => connection.flush(),
});
await connection.close();
