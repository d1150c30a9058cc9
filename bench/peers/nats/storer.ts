import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { DURABLE_TOPIC_TYPE, payloadsOf } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runStorer } from "../sender-loops.ts";

const { address, payloadBytes } = parseProgramArguments();
const payload = payloadsOf(payloadBytes);
const connection = await connect({ servers: address, reconnect: false });
const manager = await jetstreamManager(connection);
await manager.streams.add({
  name: DURABLE_TOPIC_TYPE,
  subjects: [DURABLE_TOPIC_TYPE],
  storage: StorageType.File,
});
const stream = jetstream(connection);
await runStorer({
  store: async (sequence) => {
    await stream.publish(DURABLE_TOPIC_TYPE, payload(sequence));
  },
  countStored: async () => (await manager.streams.info(DURABLE_TOPIC_TYPE)).state.messages,
});
await connection.close();
