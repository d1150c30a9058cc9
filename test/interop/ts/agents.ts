import {
  type AgentFactory,
  AgentId,
  DefaultTopicId,
  defineAgent,
  type MessageContext,
  type RoutedAgent,
} from "agentrt";
import { Answer, Ask, Blob, Climate, describe, Note, Reading, reading } from "./messages.ts";

/** One fact for the test, as a line of JSON. */
export function emit(event: string, facts: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
}

export function emitReceived(agent: AgentId, message: object, context: MessageContext): void {
  emit("received", {
    agent: agent.toString(),
    topic: context.topicId?.toString() ?? null,
    sender: context.sender?.toString() ?? null,
    isRpc: context.isRpc,
    messageId: context.messageId,
    message: describe(message),
  });
}

const recorder = defineAgent({
  description: "Reports what it gets, data of types that it does not know included.",
  setup(agent) {
    for (const type of [Note, Climate, Reading, Blob]) {
      agent.handle<object>(type, (message, context) => emitReceived(agent.id, message, context));
    }
    agent.handleAnything((message, context) => emitReceived(agent.id, message, context));
  },
});

const relay = defineAgent({
  description: "Publishes a note on the default topic, as often as the note's number says.",
  setup(agent) {
    agent.handleEvent(Note, async (note, context) => {
      emitReceived(agent.id, note, context);
      if (note.number > 0) {
        const relayed = Note.of({ text: `${note.text}, relayed`, number: note.number - 1 });
        await agent.publishMessage(relayed, new DefaultTopicId());
      }
    });
  },
});

const callee = defineAgent({
  description: "Answers calls in all the ways that a callee can.",
  setup(agent) {
    agent.handleRpc(Ask, async (ask, context) => await answer(agent, ask, context));
    agent.handleRpc(Reading, ({ sensor, celsius }, context) =>
      Answer.of({ text: `${sensor} ${celsius}`, ...parties(agent, context) }),
    );
  },
});

async function answer(agent: RoutedAgent, ask: Ask, context: MessageContext): Promise<object> {
  switch (ask.what) {
    case "fail":
      throw new RangeError(ask.text);
    case "hang":
      emit("hanging", { agent: agent.id.toString(), text: ask.text });
      await Promise.withResolvers<void>().promise;
      break;
    case "barrier":
      await barrier.wait(ask.count);
      break;
    case "protobuf":
      return reading(ask.text, 36.6);
    case "forward":
      return await forward(agent, ask);
    default:
      break;
  }
  return Answer.of({ text: ask.text, ...parties(agent, context) });
}

/** Calls the next agent of the way while its own caller waits. */
async function forward(agent: RoutedAgent, ask: Ask): Promise<Answer> {
  const [to = "", ...rest] = ask.to.split(" ");
  const what = rest.length > 0 ? "forward" : (ask.text.split(":")[0] ?? "");
  const next = Ask.of({ what, text: ask.text, count: 0, to: rest.join(" ") });
  const result = await agent.sendMessage(next, AgentId.parse(to));
  if (!Answer.is(result)) {
    throw new TypeError(`expected an Answer of ${to}`);
  }
  return Answer.of({ ...result, served_by: `${agent.id} ${result.served_by}` });
}

function parties(
  agent: RoutedAgent,
  context: MessageContext,
): { served_by: string; asked_by: string } {
  return { served_by: agent.id.toString(), asked_by: context.sender?.toString() ?? "nobody" };
}

/** Answers nobody before `count` calls are here, at any instance, which proves that they are in flight at once. */
class Barrier {
  #waiting = 0;
  #gate = Promise.withResolvers<void>();

  async wait(count: number): Promise<void> {
    this.#waiting += 1;
    if (this.#waiting < count) {
      await this.#gate.promise;
      return;
    }
    this.#waiting = 0;
    this.#gate.resolve();
    this.#gate = Promise.withResolvers<void>();
  }
}

const barrier = new Barrier();

export const AGENT_FACTORIES: ReadonlyMap<string, AgentFactory> = new Map([
  ["recorder", recorder],
  ["relay", relay],
  ["callee", callee],
]);
