import type { JsonValue, MessageContext } from "../core/agent.ts";
import { JSON_CONTENT_TYPE } from "../core/envelope.ts";
import { AgentrtError, messageOf } from "../core/errors.ts";
import { messageTypeOf, UnknownPayload } from "../core/message-type.ts";
import { RoutedAgent } from "../core/routed-agent.ts";
import type { AgentRuntime } from "../core/runtime.ts";
import { TypeSubscription } from "../core/subscription.ts";
import type { TopicId } from "../core/topic-id.ts";
import { MESSAGE_TYPE, Message } from "./message.ts";
import { Topic } from "./topic.ts";

export type TopicHandler = (message: Message, context: MessageContext) => void | Promise<void>;

/** One subscription of the short API; `unsubscribe` and `await using` end it. */
export interface TopicSubscription extends AsyncDisposable {
  readonly topic: Topic;
  unsubscribe(): Promise<void>;
}

interface Entry {
  readonly topic: Topic;
  readonly handler: TopicHandler;
}

/** The host's subscription for a topic type that at least one entry wants. */
interface TopicType {
  users: number;
  readonly subscription: Promise<TypeSubscription>;
}

/**
 * `subscribe(topic, handler)` over agents: all handlers of a runtime belong to one agent type,
 * because the protocol can register a type but not take it back.
 */
export class TopicSubscriptions {
  readonly #runtime: AgentRuntime;
  readonly #agentType = `subscriber.${crypto.randomUUID()}`;
  readonly #entries = new Set<Entry>();
  readonly #topicTypes = new Map<string, TopicType>();
  #registration: Promise<void> | undefined;

  constructor(runtime: AgentRuntime) {
    this.#runtime = runtime;
  }

  /** @throws AgentrtError `INVALID_TOPIC`, and what registering throws */
  async subscribe(to: string | Topic, handler: TopicHandler): Promise<TopicSubscription> {
    const topic = Topic.from(to);
    await this.#register();
    const entry: Entry = { topic, handler };
    this.#entries.add(entry);
    try {
      await this.#retain(topic.type);
    } catch (error) {
      this.#entries.delete(entry);
      throw error;
    }
    const unsubscribe = async (): Promise<void> => {
      if (this.#entries.delete(entry)) {
        await this.#release(topic.type);
      }
    };
    return { topic, unsubscribe, [Symbol.asyncDispose]: unsubscribe };
  }

  async #register(): Promise<void> {
    this.#registration ??= this.#runtime.registerFactory(this.#agentType, () => this.#makeAgent());
    try {
      await this.#registration;
    } catch (error) {
      this.#registration = undefined;
      throw error;
    }
  }

  async #retain(topicType: string): Promise<void> {
    const known = this.#topicTypes.get(topicType);
    if (known !== undefined) {
      known.users += 1;
      await known.subscription;
      return;
    }
    const subscription = this.#subscribe(topicType);
    this.#topicTypes.set(topicType, { users: 1, subscription });
    try {
      await subscription;
    } catch (error) {
      this.#topicTypes.delete(topicType);
      throw error;
    }
  }

  async #subscribe(topicType: string): Promise<TypeSubscription> {
    const subscription = new TypeSubscription(topicType, this.#agentType);
    await this.#runtime.addSubscription(subscription);
    return subscription;
  }

  async #release(topicType: string): Promise<void> {
    const known = this.#topicTypes.get(topicType);
    if (known === undefined) {
      return;
    }
    known.users -= 1;
    if (known.users === 0) {
      this.#topicTypes.delete(topicType);
      await this.#runtime.removeSubscription((await known.subscription).id);
    }
  }

  #makeAgent(): RoutedAgent {
    const agent = new RoutedAgent("Hands messages to subscribe() handlers");
    agent.handleEvent(MESSAGE_TYPE, (message, context) => this.#run(message, context));
    agent.handleAnything((data, context) => this.#run(asMessage(data, context), context));
    return agent;
  }

  #run(message: Message, context: MessageContext): ReturnType<TopicHandler> {
    const { topicId } = context;
    if (topicId === undefined) {
      throw new AgentrtError(
        "CANNOT_HANDLE",
        "A subscribe() handler takes published messages, not calls.",
      );
    }
    const entries = [...this.#entries].filter(({ topic }) => topic.matches(topicId));
    const [first] = entries;
    return entries.length === 1 && first !== undefined
      ? first.handler(message, context)
      : this.#runAll(entries, message, context, topicId);
  }

  async #runAll(
    entries: readonly Entry[],
    message: Message,
    context: MessageContext,
    topicId: TopicId,
  ): Promise<void> {
    const errors: unknown[] = [];
    for (const entry of entries) {
      try {
        await entry.handler(message, context);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) {
      throw errors.length === 1
        ? errors[0]
        : new AggregateError(errors, `${errors.length} handlers of topic ${topicId} failed.`);
    }
  }
}

/** Data of other JSON types, such as an agent publishes, become the content of a Message. */
function asMessage(data: object, { topicId, headers }: MessageContext): Message {
  return new Message({
    content: contentOf(data, topicId),
    topic: topicId?.toString() ?? "default",
    metadata: headers,
  });
}

function contentOf(data: object, topicId: TopicId | undefined): JsonValue {
  if (data instanceof UnknownPayload) {
    if (data.contentType !== JSON_CONTENT_TYPE) {
      throw new AgentrtError(
        "CANNOT_HANDLE",
        `A message of type ${data.dataType} on ${topicId} is ${data.contentType}, which subscribe() cannot show. Use an agent with a handler for its type.`,
      );
    }
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data.data)) as JsonValue;
    } catch (error) {
      throw new AgentrtError(
        "INVALID_MESSAGE",
        `The data of a ${data.dataType} message is not JSON text in UTF-8: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
  const type = messageTypeOf(data);
  return type === undefined || type.contentType === JSON_CONTENT_TYPE
    ? (data as JsonValue)
    : contentOf(new UnknownPayload(type.name, type.contentType, type.encode(data)), topicId);
}
