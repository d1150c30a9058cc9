/** Has workers of both dialects, and AutoGen's own, say to a host what there is to say. */
import {
  AgentId,
  defineAgent,
  defineMessage,
  GrpcWorkerAgentRuntime,
  type JsonValue,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
} from "agentrt";
import * as v from "valibot";
import { Peer } from "../../test/interop/peer.ts";
import { waitFor } from "../../test/kit/wait.ts";

const Note = defineMessage("Note", v.object({ text: v.string() }));
const Question = defineMessage("Question", v.object({ text: v.string() }));

type Dialect = "agentrt" | "autogen";

interface Reader {
  readonly runtime: GrpcWorkerAgentRuntime;
  readonly seen: string[];
}

async function join(address: string, clientId: string, dialect: Dialect) {
  const runtime = new GrpcWorkerAgentRuntime({ hostAddress: address, clientId, dialect });
  for (const type of [Note, Question]) {
    runtime.addMessageType(type);
  }
  await runtime.start();
  return runtime;
}

/** A worker with an agent that reads news and orders, fails at what is called `bad`, and answers. */
async function joinReading(address: string, dialect: Dialect): Promise<Reader> {
  const runtime = await join(address, `corpus-reader-${dialect}`, dialect);
  const seen: string[] = [];
  const agentType = `reader_${dialect}`;
  await runtime.registerFactory(
    agentType,
    defineAgent({
      description: "reads",
      setup(self) {
        self.handleEvent(Note, ({ text }) => {
          seen.push(text);
          if (text === "bad") {
            throw new Error("It cannot be read.");
          }
        });
        self.handleRpc(Question, ({ text }) => {
          if (text === "bad") {
            throw new Error("It cannot be answered.");
          }
          return Note.of({ text: `answer to ${text}` });
        });
        return { saveState: () => [...seen], loadState: (_: JsonValue) => undefined };
      },
    }),
  );
  await runtime.addSubscription(new TypePrefixSubscription("news", agentType));
  await runtime.addSubscription(new TypeSubscription("orders", agentType));
  return { runtime, seen };
}

async function publishTo({ seen }: Reader, from: GrpcWorkerAgentRuntime): Promise<void> {
  const sender = new AgentId("teller", "ü/1");
  const news = new TopicId("news", "here");
  // In one turn, so that they share a batch.
  await Promise.all([
    from.publishMessage(Note.of({ text: "first" }), news, { sender }),
    from.publishMessage(Note.of({ text: "zweite ü 第三" }), news, { sender }),
    from.publishMessage(Note.of({ text: "named" }), news, { sender, messageId: "note-1" }),
    from.publishMessage(Note.of({ text: "urgent" }), news, { sender, priority: "high" }),
    from.publishMessage(Note.of({ text: "kept" }), news, { sender, retain: true }),
  ]);
  for (const text of ["ordered", "bad"]) {
    await from.publishMessage(Note.of({ text }), new TopicId("orders", "shop"));
  }
  // More topics than routes are allowed.
  for (let number = 0; number < 12; number += 1) {
    const topic = new TopicId(`news.${number}`, "here");
    await from.publishMessage(Note.of({ text: `on topic ${number}` }), topic);
  }
  await waitFor(() => seen.includes("on topic 11") && seen.includes("bad"), {
    what: "all that was published",
  });
}

async function callFrom(from: GrpcWorkerAgentRuntime, agentType: string): Promise<void> {
  const agent = new AgentId(agentType, "here");
  for (let number = 0; number < 3; number += 1) {
    await from.sendMessage(Question.of({ text: `question ${number}` }), agent);
  }
  for (const [text, target] of [
    ["bad", agent],
    ["lost", new AgentId("nobody", "here")],
  ] as const) {
    await from.sendMessage(Question.of({ text }), target).catch(() => undefined);
  }
}

export async function converse(address: string, dialect: Dialect, end: () => Promise<void>) {
  const reader = await joinReading(address, dialect);
  const teller = await join(address, `corpus-teller-${dialect}`, dialect);
  await publishTo(reader, teller);
  const agentType = `reader_${dialect}`;
  await callFrom(teller, agentType);
  const agent = new AgentId(agentType, "here");
  await teller.agentLoadState(agent, await teller.agentSaveState(agent));
  await end();
  await teller.stop();
  await reader.runtime.stop();
}

/** AutoGen's worker for Python. */
export async function conversePython(address: string): Promise<void> {
  await using json = await Peer.python(address);
  await using protobuf = await Peer.python(address, "protobuf");
  await json.register("py_recorder", "recorder", ["py_notes"]);
  await json.tell("subscribe", {
    ...{ kind: "prefix", pattern: "py_", agentType: "py_recorder", subscriptionId: "py-1" },
  });
  const topic = "py_notes/kitchen";
  await json.publish(
    topic,
    { type: "Note", data: { text: "ü 第三", number: 1 } },
    {
      ...{ messageId: "py-note", sender: "py_sender/1" },
    },
  );
  await protobuf.publish(topic, {
    ...{ type: "agentrt.test.v1.Reading", data: { sensor: "küche", celsius: 21.25 } },
  });
  await json.waitForReceived("py_recorder", 2);
  await json.register("py_callee", "callee");
  for (const what of ["answer", "fail"]) {
    const ask = { type: "Ask", data: { what, text: "hello" } };
    await protobuf.call("py_callee/1", ask).catch(() => undefined);
  }
  await json.tell("subscriptions");
  await json.tell("unsubscribe", { subscriptionId: "py-1" });
  await json.tell("leave");
  await protobuf.tell("leave");
}
