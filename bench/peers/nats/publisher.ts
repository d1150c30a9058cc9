import { connect } from "@nats-io/transport-node";
import { payloadsOf } from "../bench-message.ts";
import { parseProgramArguments, topicsOf } from "../command-lines.ts";
import { runPublisher } from "../sender-loops.ts";

const program = parseProgramArguments();
const payload = payloadsOf(program.payloadBytes);
const [subject = program.topic] = topicsOf(program);
const connection = await connect({ servers: program.address, reconnect: false });
await runPublisher({
  publish: (sequence) => {
    connection.publish(subject, payload(sequence));
    return undefined;
  },
  flush: () => connection.flush(),
});
await connection.close();
