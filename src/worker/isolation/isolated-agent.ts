import type { Agent, AgentMetadata, JsonValue, MessageContext } from "../../core/agent.ts";
import type { AgentId } from "../../core/agent-id.ts";
import { EMPTY_PAYLOAD, type Envelope } from "../../core/envelope.ts";
import { AgentrtError } from "../../core/errors.ts";
import { messageTypeOf, UnknownPayload } from "../../core/message-type.ts";
import type { AgentRuntime } from "../../core/runtime.ts";
import type { IsolatedThreads } from "./isolated-threads.ts";

/** What the process knows of an instance that lives in a thread. */
export class IsolatedAgent implements Agent {
  readonly id: AgentId;
  /** As of the last message. Only an instance that keeps state has these two. */
  saveState?: () => JsonValue;
  loadState?: (state: JsonValue) => Promise<void>;
  readonly #threads: IsolatedThreads;
  /** Undefined while it keeps none. */
  #state: JsonValue | undefined;

  private constructor(id: AgentId, threads: IsolatedThreads) {
    this.id = id;
    this.#threads = threads;
  }

  /** Makes the instance in its thread. @throws what its factory or constructor throws */
  static async make(
    id: AgentId,
    runtime: AgentRuntime,
    threads: IsolatedThreads,
  ): Promise<IsolatedAgent> {
    const agent = new IsolatedAgent(id, threads);
    threads.bind(runtime);
    const state = await threads.make(agent, undefined);
    if (state !== undefined) {
      agent.#state = state;
      agent.saveState = () => agent.#state ?? null;
      agent.loadState = async (wanted) => {
        agent.#state = (await threads.load(agent, wanted)) ?? wanted;
      };
    }
    return agent;
  }

  /** What the instance begins with when its thread was ended; undefined for one that keeps no state. */
  get state(): JsonValue | undefined {
    return this.#state;
  }

  get metadata(): AgentMetadata {
    return { type: this.id.type, key: this.id.key, description: "Isolated agent" };
  }

  bind(): void {
    // It is bound in its thread.
  }

  async onMessage(message: object, context: MessageContext): Promise<object | undefined> {
    const { response, state } = await this.#threads.handle(
      this,
      envelopeOf(this.id, message, context),
      context.signal,
    );
    this.#state = state ?? this.#state;
    const { dataType, contentType, data } = response.payload;
    return dataType === "" && data.byteLength === 0
      ? undefined
      : new UnknownPayload(dataType, contentType, data);
  }

  async close(): Promise<void> {
    await this.#threads.close(this);
  }
}

function envelopeOf(id: AgentId, message: object, context: MessageContext): Envelope {
  const { messageId, sender, topicId, headers } = context;
  const payload = payloadOf(message);
  return topicId === undefined
    ? { kind: "request", id: messageId, target: id, sender, method: "", headers, payload }
    : { kind: "event", id: messageId, topic: topicId, sender, headers, payload };
}

/** @throws AgentrtError `UNTYPED_MESSAGE` */
export function payloadOf(message: object | undefined): typeof EMPTY_PAYLOAD {
  if (message === undefined) {
    return EMPTY_PAYLOAD;
  }
  if (message instanceof UnknownPayload) {
    const { dataType, contentType, data } = message;
    return { dataType, contentType, data };
  }
  const type = messageTypeOf(message);
  if (type === undefined) {
    throw new AgentrtError("UNTYPED_MESSAGE", "A message for an isolated agent has no type.");
  }
  return { dataType: type.name, contentType: type.contentType, data: type.encode(message) };
}
