import { connect } from "@nats-io/transport-node";
import { AGENT_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runCallee } from "../receiver-loops.ts";

const { address } = parseProgramArguments();
const connection = await connect({ servers: address, reconnect: false });
connection.subscribe(AGENT_TYPE, {
  callback: (error, message) => {
    if (error !== null) {
      throw error;
    }
    message.respond(message.data);
  },
});
await connection.flush();
await runCallee();
await connection.close();
