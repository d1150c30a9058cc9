import { connect, connectAsync } from "mqtt";
import { DURABLE_TOPIC_TYPE, payloadsOf } from "../bench-message.ts";
import { parseProgramArguments } from "../command-lines.ts";
import { runStorer } from "../sender-loops.ts";

const { address, payloadBytes } = parseProgramArguments();
const payload = payloadsOf(payloadBytes);
const url = `mqtt://${address}`;

/** Nothing new for so long means that nothing more comes. */
const QUIET_MS = 1_000;

// A broker keeps messages only for somebody: a session that has subscribed and is away.
const ABSENT = { clientId: "absent", clean: false, reconnectPeriod: 0 };
const absent = await connectAsync(url, ABSENT);
await absent.subscribeAsync(DURABLE_TOPIC_TYPE, { qos: 1 });
await absent.endAsync();

/** The absent session comes back and takes everything. */
async function countStored(): Promise<number> {
  let count = 0;
  let lastAt = performance.now();
  // Messages may come with the answer to the connect, so the listener is there before.
  const client = connect(url, ABSENT);
  client.on("message", () => {
    count += 1;
    lastAt = performance.now();
  });
  while (performance.now() - lastAt < QUIET_MS) {
    await Bun.sleep(50);
  }
  await client.endAsync();
  return count;
}

const client = await connectAsync(url, { clientId: "storer", reconnectPeriod: 0 });
await runStorer({
  store: async (sequence) => {
    const bytes = Buffer.from(payload(sequence).buffer);
    await client.publishAsync(DURABLE_TOPIC_TYPE, bytes, { qos: 1 });
  },
  countStored,
});
await client.endAsync();
