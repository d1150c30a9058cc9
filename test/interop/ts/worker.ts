/**
 * Our worker, steered by a test with the commands of `python/worker.py`: JSON lines on standard
 * input, JSON lines on standard output. Ends when its standard input does.
 */
import { parseArgs } from "node:util";
import {
  AgentId,
  AgentrtError,
  GrpcWorkerAgentRuntime,
  Message,
  TopicId,
  TypePrefixSubscription,
  TypeSubscription,
} from "agentrt";
import type { Described } from "../peer.ts";
import { AGENT_FACTORIES, emit } from "./agents.ts";
import { Answer, describe, fromDescription, Reading } from "./messages.ts";

interface Command {
  readonly host?: string;
  readonly agentType: string;
  readonly kind: string;
  readonly pattern: string;
  readonly subscriptionId?: string;
  readonly topic: string;
  readonly target: string;
  readonly message: Described;
  readonly sender?: string;
  readonly messageId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly what: string;
  readonly count: number;
  readonly barrier: number;
  readonly prefix: string;
  readonly content: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const { values } = parseArgs({ options: { host: { type: "string" } } });
const defaultHost = values.host ?? "127.0.0.1:50051";
let joined: GrpcWorkerAgentRuntime | undefined;

function runtime(): GrpcWorkerAgentRuntime {
  if (joined === undefined) {
    throw new Error("The worker is not joined to a host.");
  }
  return joined;
}

async function call(target: string, message: object, command: Command): Promise<Described | null> {
  const { sender, timeoutMs } = command;
  const result = await runtime().sendMessage(message, AgentId.parse(target), {
    ...(sender === undefined ? {} : { sender: AgentId.parse(sender) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return describe(result);
}

const actions: Readonly<Record<string, (command: Command) => Promise<unknown>>> = {
  /** Connects a new runtime, the old one having left. */
  async join({ host = defaultHost }) {
    const made = new GrpcWorkerAgentRuntime({ hostAddress: host });
    made.addMessageType(Answer);
    made.addMessageType(Reading);
    await made.start();
    joined = made;
  },

  async leave() {
    const leaving = runtime();
    joined = undefined;
    await leaving.stop();
  },

  async register({ agentType, kind }) {
    const factory = AGENT_FACTORIES.get(kind);
    if (factory === undefined) {
      throw new Error(`This peer has no agent of kind ${kind}.`);
    }
    await runtime().registerFactory(agentType, factory);
  },

  async subscribe({ kind, pattern, agentType, subscriptionId }) {
    const Kind = kind === "type" ? TypeSubscription : TypePrefixSubscription;
    const subscription = new Kind(pattern, agentType, subscriptionId);
    await runtime().addSubscription(subscription);
    return subscription.id;
  },

  async unsubscribe({ subscriptionId = "" }) {
    await runtime().removeSubscription(subscriptionId);
  },

  async publish({ topic, message, sender, messageId, headers }) {
    await runtime().publishMessage(fromDescription(message), TopicId.parse(topic), {
      ...(sender === undefined ? {} : { sender: AgentId.parse(sender) }),
      ...(messageId === undefined ? {} : { messageId }),
      ...(headers === undefined ? {} : { headers }),
    });
  },

  async call(command) {
    return await call(command.target, fromDescription(command.message), command);
  },

  /** Makes `count` calls at once, each of an instance of its own; their results in the order of the calls. */
  async callMany(command) {
    const { target, what, count, barrier, prefix } = command;
    const asks = Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
    return await Promise.all(
      asks.map(async (text) => {
        const ask = fromDescription({ type: "Ask", data: { what, text, count: barrier, to: "" } });
        return await call(`${target}/${text}`, ask, command);
      }),
    );
  },

  /** The short API: publishes a `Message` on the topic that it names. */
  async publishShort({ content, topic, metadata }) {
    await runtime().publish(new Message({ content, topic, metadata }));
  },

  /** The short API: reports each `Message` of a topic as received by agent `kind/short`. */
  async subscribeShort({ topic, kind }) {
    await runtime().subscribe(topic, (message) => {
      emit("received", { agent: `${kind}/short`, topic, message: describe(message) });
    });
  },
};

async function obey(line: string): Promise<void> {
  const { id, do: name, ...command } = JSON.parse(line) as Command & { id: number; do: string };
  const action = actions[name];
  try {
    if (action === undefined) {
      throw new Error(`This peer does not know the command ${name}.`);
    }
    emit("reply", { id, value: (await action(command)) ?? null });
  } catch (error) {
    const type = error instanceof Error ? error.constructor.name : typeof error;
    const code = error instanceof AgentrtError ? error.code : null;
    emit("reply", {
      id,
      error: { type, code, text: error instanceof Error ? error.message : String(error) },
    });
  }
}

await actions["join"]?.({} as Command);
emit("ready");

// Commands start in the order of their lines and run side by side, because calls may wait for each other.
const running = new Set<Promise<void>>();
for await (const line of console) {
  const task = obey(line).finally(() => running.delete(task));
  running.add(task);
}
process.exit(0);
