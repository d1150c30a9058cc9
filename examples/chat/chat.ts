// A person in the chat room. Prints what others say, and says what is typed.
import { createInterface } from "node:readline";
import { defineAgent, GrpcWorkerAgentRuntime, TopicId, TypeSubscription } from "agentrt";
import { ChatLine } from "./messages.ts";

const speaker = process.argv[2] ?? "Ada";
const room = new TopicId("chat", "lobby");
const agentType = `chat_${speaker.toLowerCase()}`;

const runtime = new GrpcWorkerAgentRuntime({
  hostAddress: process.env["AGENTRT_HOST_ADDRESS"] ?? "127.0.0.1:50051",
});

async function say(text: string): Promise<void> {
  await runtime.publishMessage(ChatLine.of({ speaker, text }), room);
}

const person = defineAgent({
  description: "Somebody in the chat room",
  setup(agent) {
    agent.handleEvent(ChatLine, async (line) => {
      // What is published outside a handler comes back to its own subscription, too.
      if (line.speaker === speaker) {
        return;
      }
      console.log(`${line.speaker}: ${line.text}`);
      if (line.text === "I am here.") {
        await say(`Welcome, ${line.speaker}!`);
      }
    });
  },
});

await runtime.registerFactory(agentType, person);
await runtime.addSubscription(new TypeSubscription(room.type, agentType));
await runtime.start();
console.log(`${speaker} is in the room.`);
await say("I am here.");

const keyboard = createInterface({ input: process.stdin }).on("line", (text) => {
  say(text).catch((error: unknown) => console.error(error));
});
await runtime.stopWhenSignal();
keyboard.close();
