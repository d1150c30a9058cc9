import { expect, test } from "bun:test";
import { fresh, type Stage } from "../stage.ts";

/**
 * The short API's `Message` and a Python dataclass `Message(content, topic, metadata)` are the same
 * thing on the wire. AutoGen's dataclass serializer writes and takes the dict field as it is.
 */
export function describeShortMessages(hostName: string, stage: () => Stage): void {
  test(`${hostName} - short API: a Python dataclass named Message receives ours`, async () => {
    const [agent, topic] = [fresh("recorder"), fresh("environment_data")];
    const { py, ts } = stage();
    await py[0].register(agent, "recorder", [topic]);
    const metadata = { priority: "high", unit: "°C" };
    await ts[0].tell("publishShort", { topic, content: "temperature: 25.0", metadata });
    await ts[0].tell("publishShort", {
      topic: `${topic}/kitchen`,
      content: { celsius: 25 },
      metadata: {},
    });
    const received = await py[0].waitForReceived(agent, 2);
    expect(received.map((one) => [one.agent, one.topic, one.message])).toEqual([
      [
        `${agent}/default`,
        `${topic}/default`,
        { type: "Message", data: { content: "temperature: 25.0", topic, metadata } },
      ],
      [
        `${agent}/kitchen`,
        `${topic}/kitchen`,
        {
          type: "Message",
          data: { content: { celsius: 25 }, topic: `${topic}/kitchen`, metadata: {} },
        },
      ],
    ]);
  });

  test(`${hostName} - short API: ours receives a Python dataclass named Message`, async () => {
    const [name, topic] = [fresh("short"), fresh("device_commands")];
    const { py, ts } = stage();
    await ts[0].tell("subscribeShort", { topic, kind: name });
    const messages = [
      { content: "air_conditioner:on", topic, metadata: { priority: "high" } },
      { content: "ü 🏠", topic, metadata: {} },
    ].map((data) => ({ type: "Message", data }));
    for (const message of messages) {
      await py[0].publish(`${topic}/default`, message);
    }
    const received = await ts[0].waitForReceived(name, messages.length);
    expect(received.map(({ message }) => message)).toEqual(messages);
  });

  test(`${hostName} - short API: two of our workers meet`, async () => {
    const [name, topic] = [fresh("short"), fresh("device_status")];
    const { ts } = stage();
    await ts[1].tell("subscribeShort", { topic, kind: name });
    await ts[0].tell("publishShort", { topic, content: "on", metadata: { by: "hand" } });
    const received = await ts[1].waitForReceived(name, 1);
    expect(received.map(({ message }) => message)).toEqual([
      { type: "Message", data: { content: "on", topic, metadata: { by: "hand" } } },
    ]);
  });
}
