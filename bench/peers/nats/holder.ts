import { connect, type NatsConnection } from "@nats-io/transport-node";
import { parseProgramArguments } from "../command-lines.ts";
import { makeMany, runHolder } from "../receiver-loops.ts";

const { address } = parseProgramArguments();
const connections: NatsConnection[] = [];

async function open(): Promise<NatsConnection> {
  const connection = await connect({ servers: address, reconnect: false });
  connections.push(connection);
  return connection;
}

await runHolder({
  connect: async (count) => {
    await makeMany(count, async () => {
      await open();
    });
  },
  subscribe: async (count) => {
    const connection = await open();
    for (let n = 0; n < count; n += 1) {
      connection.subscribe(`nobody_publishes_${process.pid}_${n}`, { callback: () => undefined });
    }
    await connection.flush();
  },
});
await Promise.all(connections.map(async (connection) => await connection.close()));
