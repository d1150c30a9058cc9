import { connectAsync } from "mqtt";
import { DURABLE_TOPIC_TYPE, payloadsOf } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runStorer } from "../sender-loops.ts";

const { address, payloadBytes } = parseProgramArguments();
const payload = payloadsOf(payloadBytes);
const url = `mqtt://${address}`;

// A broker keeps messages only for somebody: a session that has subscribed and is away.
const absent = await connectAsync(url, { clientId: "absent", clean: false, reconnectPeriod: 0 });
await absent.subscribeAsync(DURABLE_TOPIC_TYPE, { qos: 1 });
await absent.endAsync();

const client = await connectAsync(url, { clientId: "storer", reconnectPeriod: 0 });
await runStorer(async (sequence) => {
  await client.publishAsync(DURABLE_TOPIC_TYPE, Buffer.from(payload(sequence).buffer), { qos: 1 });
});
await client.endAsync();
