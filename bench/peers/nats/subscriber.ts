import { connect } from "@nats-io/transport-node";
import { type BenchMessageData, TOPIC_TYPE } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runSubscriber } from "../receiver-loops.ts";
import { Tally } from "../tally.ts";

const { address } = parseProgramArguments();
const tally = new Tally();
const connection = await connect({ servers: address, reconnect: false });
connection.subscribe(TOPIC_TYPE, {
  callback: (error, message) => {
    if (error !== null) {
      throw error;
    }
    tally.add(message.json<BenchMessageData>().sequence);
  },
});
await connection.flush();
await runSubscriber(tally);
await connection.close();
