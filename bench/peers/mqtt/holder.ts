import { connectAsync, type MqttClient } from "mqtt";
import { parseProgramArguments } from "../command-lines.ts";
import { makeMany, runHolder } from "../receiver-loops.ts";

const { address } = parseProgramArguments();
const clients: MqttClient[] = [];

async function open(): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://${address}`, { reconnectPeriod: 0 });
  clients.push(client);
  return client;
}

await runHolder({
  connect: async (count) => {
    await makeMany(count, async () => {
      await open();
    });
  },
  subscribe: async (count) => {
    const client = await open();
    await makeMany(count, async (n) => {
      await client.subscribeAsync(`nobody_publishes_${process.pid}_${n}`, { qos: 0 });
    });
  },
});
await Promise.all(clients.map(async (client) => await client.endAsync()));
