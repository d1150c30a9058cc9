import { describe, expect, test } from "bun:test";
import type { Described, Language, Peer, Received } from "../peer.ts";
import { fresh, PAIRS, type Stage } from "../stage.ts";

/** AutoGen fills in a name where the publisher is no agent, and shows it; our worker shows none. */
const OUTSIDE_SENDER: Readonly<Record<Language, string | null>> = {
  py: "unknown/unknown",
  ts: null,
};

export function note(text: string, number = 0): Described {
  return { type: "Note", data: { text, number } };
}

/** What every host must do with published messages, for a sender and a receiver in each language. */
export function describePublishing(hostName: string, stage: () => Stage): void {
  describe.each([...PAIRS])(`${hostName} - publish $from to $to`, ({ from, to }) => {
    const sender = (): Peer => stage()[from][0];
    const receiver = (): Peer => stage()[to][1];

    test("a dataclass arrives once, in order, at the instance that the topic's source names", async () => {
      const [agent, topic] = [fresh("recorder"), fresh("notes")];
      await receiver().register(agent, "recorder", [topic]);
      const texts = ["first", "zweite ä", "第三 🏠", 'quote " and \\ and \n', ""];
      for (const [number, text] of texts.entries()) {
        await sender().publish(`${topic}/kitchen/left`, note(text, number), {
          messageId: `id-${number}`,
        });
      }
      expect(await allReceived(sender(), receiver(), agent, topic)).toEqual(
        texts.map((text, number) => ({
          agent: `${agent}/kitchen/left`,
          topic: `${topic}/kitchen/left`,
          sender: OUTSIDE_SENDER[to],
          isRpc: false,
          messageId: `id-${number}`,
          message: note(text, number),
        })),
      );
    });

    test("a pydantic model arrives with nested data", async () => {
      const [agent, topic] = [fresh("recorder"), fresh("climate")];
      await receiver().register(agent, "recorder", [topic]);
      const climates = [
        { temperature: 21.5, place: { room: "Küche", floor: -1 }, tags: ["a", "b"], comment: null },
        { temperature: 1e-7, place: { room: "", floor: 2 }, tags: [], comment: "draughty" },
      ].map((data) => ({ type: "Climate", data }));
      for (const climate of climates) {
        await sender().publish(`${topic}/default`, climate);
      }
      const received = await receiver().waitForReceived(agent, climates.length);
      expect(messagesOf(received)).toEqual(climates);
    });

    test("protobuf data arrives", async () => {
      const [agent, topic] = [fresh("recorder"), fresh("readings")];
      await receiver().register(agent, "recorder", [topic]);
      const publisher = from === "py" ? stage().pyProtobuf : sender();
      const readings = [
        { sensor: "küche", celsius: 21.25 },
        { sensor: "cellar", celsius: -3 },
      ].map((data) => ({ type: "agentrt.test.v1.Reading", data }));
      for (const reading of readings) {
        await publisher.publish(`${topic}/default`, reading);
      }
      const received = await receiver().waitForReceived(agent, readings.length);
      expect(messagesOf(received)).toEqual(readings);
    });

    test("an agent that publishes is the sender, and hears no echo", async () => {
      const [relay, agent, topic] = [fresh("relay"), fresh("recorder"), fresh("relayed")];
      await receiver().register(agent, "recorder", ["default"]);
      await sender().register(relay, "relay", [topic, "default", `${relay}_fence`]);
      await receiver().publish(`${topic}/default`, note("hello", 1));
      const [received] = await receiver().waitForReceived(agent, 1);
      expect(received).toMatchObject({
        topic: "default/default",
        sender: `${relay}/default`,
        message: note("hello, relayed", 0),
      });
      const heard = await allReceived(receiver(), sender(), relay, `${relay}_fence`);
      expect(messagesOf(heard)).toEqual([note("hello", 1)]);
    });

    test("the default topic of a handler has the source that its language gives it", async () => {
      const [relay, agent, topic] = [fresh("relay"), fresh("recorder"), fresh("relayed")];
      await receiver().register(agent, "recorder", ["default"]);
      await sender().register(relay, "relay", [topic]);
      await receiver().publish(`${topic}/attic`, note("hello", 1));
      const [received] = await receiver().waitForReceived(agent, 1);
      // AutoGen means the agent's key, but its worker runs the handlers of events outside of the context
      // that says whose handler it is, so that the source stays "default". Ours names the key.
      const source = from === "py" ? "default" : "attic";
      expect(received).toMatchObject({
        agent: `${agent}/${source}`,
        topic: `default/${source}`,
        sender: `${relay}/attic`,
        message: note("hello, relayed", 0),
      });
    });

    test("a prefix subscription matches by prefix, and a removed one matches no more", async () => {
      const [agent, topic] = [fresh("recorder"), fresh("home")];
      const subscriptionId = fresh("subscription");
      await receiver().register(agent, "recorder", [`${topic}_fence`]);
      await receiver().tell("subscribe", {
        kind: "prefix",
        pattern: `${topic}.light`,
        agentType: agent,
        subscriptionId,
      });
      const publish = async (end: string) =>
        await sender().publish(`${topic}.${end}/default`, note(end));
      for (const end of ["light", "lights", "ligh", "light:on=1", "heating", "light.hall"]) {
        await publish(end);
      }
      await receiver().waitForReceived(agent, 4);
      await receiver().tell("unsubscribe", { subscriptionId });
      // The worker keeps what it does not want from its agents by itself; the host must not send it either.
      const left = (await stage().py[0].tell("subscriptions")) as readonly {
        readonly id: string;
      }[];
      expect(left.map(({ id }) => id)).not.toContain(subscriptionId);
      await publish("light");
      const received = await allReceived(sender(), receiver(), agent, `${topic}_fence`);
      expect(messagesOf(received)).toEqual(
        ["light", "lights", "light:on=1", "light.hall"].map((text) => note(text)),
      );
    });

    test("each subscribed agent type gets a message once, the publisher's worker included", async () => {
      const topic = fresh("everybody");
      const [first, second, own] = [fresh("recorder"), fresh("recorder"), fresh("recorder")];
      await receiver().register(first, "recorder", [topic]);
      await receiver().register(second, "recorder", [topic]);
      await sender().register(own, "recorder", [topic]);
      await sender().publish(`${topic}/default`, note("to all"));
      for (const [peer, agent] of [
        [receiver(), first],
        [receiver(), second],
        [sender(), own],
      ] as const) {
        const received = await allReceived(sender(), peer, agent, topic);
        expect(messagesOf(received)).toEqual([note("to all")]);
      }
    });

    test("a message of 3 MiB arrives whole", async () => {
      const [agent, topic] = [fresh("recorder"), fresh("large")];
      await receiver().register(agent, "recorder", [topic]);
      const text = "0123456789abcdef".repeat((3 * 1024 * 1024) / 16);
      await sender().publish(`${topic}/default`, note(text));
      const [received] = await receiver().waitForReceived(agent, 1);
      expect(Bun.deepEquals(received?.message, note(text))).toBe(true);
    });
  });

  // Each language's peers know one type that the other's do not.
  test.each([
    { from: "py", to: "ts", message: { type: "Round", data: { round: 1, topic: "t" } } },
    { from: "ts", to: "py", message: { type: "Whisper", data: { text: "psst" } } },
  ] as const)(
    `${hostName} - publish $from to $to: data of an unknown type arrives as it is`,
    async ({ from, to, message }) => {
      const [agent, topic] = [fresh("recorder"), fresh("mixed")];
      const [sender, receiver] = [stage()[from][0], stage()[to][1]];
      await receiver.register(agent, "recorder", [topic]);
      await sender.publish(`${topic}/default`, message);
      await sender.publish(`${topic}/default`, note("known"));
      expect(messagesOf(await receiver.waitForReceived(agent, 2))).toEqual([
        {
          type: "UnknownPayload",
          data: {
            dataType: message.type,
            contentType: "application/json",
            bytes: expect.any(Number),
          },
        },
        note("known"),
      ]);
    },
  );

  test(`${hostName} - publish ts to ts and py: bytes arrive as they are, and AutoGen's worker survives them`, async () => {
    const [agent, pyAgent, topic] = [fresh("recorder"), fresh("recorder"), fresh("blobs")];
    const [sender, receiver] = stage().ts;
    const pyReceiver = stage().py[1];
    await receiver.register(agent, "recorder", [topic]);
    await pyReceiver.register(pyAgent, "recorder", [topic]);
    const blob = { type: "Blob", data: Buffer.from([0, 1, 127, 128, 255]).toString("base64") };
    await sender.publish(`${topic}/default`, blob);
    await sender.publish(`${topic}/default`, note("after it"));
    expect(messagesOf(await receiver.waitForReceived(agent, 2))).toEqual([blob, note("after it")]);
    // AutoGen's worker takes events in JSON and protobuf only; the next one finds it well.
    expect(messagesOf(await pyReceiver.waitForReceived(pyAgent, 1))).toEqual([note("after it")]);
  });

  test(`${hostName} - publish ts to py: extra headers do not disturb AutoGen's worker`, async () => {
    const [agent, topic] = [fresh("recorder"), fresh("urgent")];
    const receiver = stage().py[1];
    await receiver.register(agent, "recorder", [topic]);
    await stage().ts[0].publish(`${topic}/default`, note("now"), {
      headers: {
        priority: "high",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      },
    });
    const [received] = await receiver.waitForReceived(agent, 1);
    expect(received?.message).toEqual(note("now"));
  });

  test(`${hostName} - publish ts to py: a registered agent is reached by a topic of its own name`, async () => {
    const agent = fresh("direct");
    const receiver = stage().py[1];
    await receiver.register(agent, "recorder");
    await stage().ts[0].publish(`${agent}:anything/kitchen`, note("to you"));
    const [received] = await receiver.waitForReceived(agent, 1);
    expect(received).toMatchObject({
      agent: `${agent}/kitchen`,
      topic: `${agent}:anything/kitchen`,
      message: note("to you"),
    });
  });
}

let fences = 0;

/**
 * All that an agent type has got, complete: publishes one more message and waits for it, and as
 * messages of one publisher stay in order, whatever was to come before it has come. Fences are left out.
 */
async function allReceived(
  sender: Peer,
  receiver: Peer,
  agent: string,
  topicType: string,
): Promise<readonly Received[]> {
  fences += 1;
  const fence = note(`fence ${fences}`);
  await sender.publish(`${topicType}/fence`, fence);
  await receiver.waitForMessage(agent, "the fence", (message) => Bun.deepEquals(message, fence));
  return receiver.receivedBy(agent).filter((received) => received.topic !== `${topicType}/fence`);
}

function messagesOf(received: readonly Received[]): readonly Described[] {
  return received.map(({ message }) => message);
}
