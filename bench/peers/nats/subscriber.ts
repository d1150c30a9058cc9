import { connect } from "@nats-io/transport-node";
import { sequenceIn } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runSubscriber } from "../receiver-loops.ts";
import { Tallies } from "../tally.ts";

const { address, subscribers, topic } = parseProgramArguments();
const tallies = new Tallies(subscribers);
const connection = await connect({ servers: address, reconnect: false });
for (const tally of tallies.all) {
  connection.subscribe(topic, {
    callback: (error, message) => {
      if (error !== null) {
        throw error;
      }
      tally.add(sequenceIn(message.data));
    },
  });
}
await connection.flush();
await runSubscriber(tallies);
await connection.close();
