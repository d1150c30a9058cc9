import { getLogger } from "@logtape/logtape";
import type {
  Agent,
  AgentFactory,
  AgentMetadata,
  JsonValue,
  MessageContext,
} from "../core/agent.ts";
import { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope, RequestEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { MessageType } from "../core/message-type.ts";
import { priorityOf } from "../core/priority.ts";
import type { AgentRuntime, PublishOptions, SendOptions } from "../core/runtime.ts";
import type { Subscription } from "../core/subscription.ts";
import { SubscriptionIndex } from "../core/subscription-index.ts";
import type { TopicId } from "../core/topic-id.ts";
import { MessageTracing } from "../telemetry/message-tracing.ts";
import { AgentInstances, factoryOfInstance, noSuchAgent } from "./agent-instances.ts";
import type { DispatchCounts } from "./dispatch-counts.ts";
import { Dispatcher } from "./dispatcher.ts";
import { endsWithin } from "./ends-within.ts";
import type { Message } from "./message.ts";
import { MessageTypes } from "./message-types.ts";
import { eventFor, requestFor } from "./outgoing.ts";
import { cancelled, PendingCalls } from "./pending-calls.ts";
import type { RuntimeOptions } from "./runtime-options.ts";
import { Topic } from "./topic.ts";
import {
  type TopicHandler,
  type TopicSubscription,
  TopicSubscriptions,
} from "./topic-subscriptions.ts";
import { tracedSend } from "./traced-messages.ts";

const logger = getLogger(["agentrt", "worker"]);

/**
 * What the runtimes have in common: the agents of this process, and both APIs over them. How
 * messages and registrations leave is each runtime's own.
 */
export abstract class LocalRuntime implements AgentRuntime {
  protected readonly messageTypes = new MessageTypes();
  protected readonly subscriptions = new SubscriptionIndex();
  protected readonly instances: AgentInstances;
  protected readonly calls = new PendingCalls();
  protected readonly dispatcher: Dispatcher;
  readonly #options: RuntimeOptions;
  readonly #tracing: MessageTracing | undefined;
  readonly #stopping = new AbortController();
  readonly #topicSubscriptions = new TopicSubscriptions(this);

  constructor(options: RuntimeOptions) {
    this.#options = options;
    const { stateStore, maxInstances, tracerProvider } = options;
    this.#tracing = tracerProvider === undefined ? undefined : new MessageTracing(tracerProvider);
    this.instances = new AgentInstances({ runtime: this, stateStore, maxInstances });
    this.dispatcher = new Dispatcher({
      messageTypes: this.messageTypes,
      subscriptions: this.subscriptions,
      instances: this.instances,
      mailboxLimits: { maxMessages: options.mailboxMaxMessages, maxBytes: options.mailboxMaxBytes },
      mailboxFullPolicy: options.mailboxFullPolicy,
      onDeadLetter: (letter) => options.onDeadLetter?.(letter),
      stopSignal: this.#stopping.signal,
      tracing: this.#tracing,
    });
  }

  /** Takes a message on its way. Resolves when it is accepted. `signal` aborts when nobody waits for it any more. */
  protected abstract transmit(
    envelope: EventEnvelope | RequestEnvelope,
    signal: AbortSignal | undefined,
  ): Promise<void>;
  protected abstract announceType(type: string): Promise<void>;
  protected abstract announceSubscription(subscription: Subscription): Promise<void>;
  protected abstract withdrawSubscription(id: string): Promise<void>;
  protected abstract saveStateElsewhere(id: AgentId): Promise<JsonValue>;
  protected abstract loadStateElsewhere(id: AgentId, state: JsonValue): Promise<void>;
  /** @throws AgentrtError `RUNTIME_STATE` when nothing can be registered or sent any more */
  protected abstract assertUsable(): void;

  /** Messages that this runtime took in, and what became of them. */
  get counts(): DispatchCounts {
    return this.dispatcher.counts;
  }

  async publishMessage(
    message: object,
    topic: TopicId,
    options: PublishOptions = {},
  ): Promise<void> {
    this.assertUsable();
    if (options.signal?.aborted === true) {
      throw cancelled(`topic ${topic}`, options.signal.reason);
    }
    const envelope = eventFor(topic, this.messageTypes.encode(message), options);
    await tracedSend(this.#tracing, envelope, (traced) => this.transmit(traced, options.signal));
  }

  async sendMessage<R extends object = object>(
    message: object,
    recipient: AgentId,
    options: SendOptions = {},
  ): Promise<R | undefined> {
    this.assertUsable();
    if (options.signal?.aborted === true) {
      throw cancelled(recipient, options.signal.reason);
    }
    const payload = this.messageTypes.encode(message);
    const timeoutMs = options.timeoutMs ?? this.#options.callTimeoutMs;
    const call = this.calls.open(recipient, timeoutMs, options.signal);
    const ended = new AbortController();
    try {
      const request = requestFor(call.id, recipient, payload, options);
      const { payload: result } = await tracedSend(this.#tracing, request, async (traced) => {
        this.transmit(traced, ended.signal).catch((error: unknown) =>
          this.calls.fail(call.id, AgentrtError.from(error)),
        );
        return await call.answer;
      });
      return this.messageTypes.decodeResult(result) as R | undefined;
    } catch (error) {
      ended.abort(error);
      throw error;
    }
  }

  async registerFactory(type: string, factory: AgentFactory): Promise<void> {
    this.assertUsable();
    // Known here first: the host may send messages before its answer to the registration is read.
    this.instances.addType(type, factory);
    try {
      await this.announceType(type);
    } catch (error) {
      this.instances.removeType(type);
      throw error;
    }
  }

  /**
   * Puts a new version of a registered agent type in the place of the old one. Each instance
   * finishes what it handles and gives its state (`saveState`) to its successor; messages that
   * come meanwhile wait. When the new version cannot be made or refuses a state, the old one goes on.
   * @throws AgentrtError `NO_SUCH_AGENT`; `DEADLINE` when a handler does not end within
   *   `drainTimeoutMs`; `STATE_REJECTED`; what the new factory throws
   */
  async replaceFactory(type: string, factory: AgentFactory): Promise<void> {
    this.assertUsable();
    await this.instances.replaceType(type, factory, Math.max(this.#options.drainTimeoutMs, 1_000));
  }

  async registerAgentInstance(agent: Agent, id: AgentId): Promise<void> {
    this.assertUsable();
    this.instances.addType(id.type, factoryOfInstance(agent, id));
    try {
      await this.instances.slot(id).agent();
      await this.announceType(id.type);
    } catch (error) {
      this.instances.removeType(id.type);
      throw error;
    }
  }

  async addSubscription(subscription: Subscription): Promise<void> {
    this.assertUsable();
    this.subscriptions.add(subscription);
    try {
      await this.announceSubscription(subscription);
    } catch (error) {
      this.subscriptions.remove(subscription.id);
      throw error;
    }
  }

  async removeSubscription(id: string): Promise<void> {
    this.subscriptions.remove(id);
    await this.withdrawSubscription(id);
  }

  addMessageType(type: MessageType): void {
    this.messageTypes.add(type);
  }

  async tryGetUnderlyingAgentInstance(id: AgentId): Promise<Agent> {
    return await this.instances.slot(id).agent();
  }

  async agentMetadata(id: AgentId): Promise<AgentMetadata> {
    return (await this.tryGetUnderlyingAgentInstance(id)).metadata;
  }

  async agentSaveState(id: AgentId): Promise<JsonValue> {
    this.assertUsable();
    return this.instances.hasType(id.type)
      ? await this.instances.slot(id).save()
      : await this.saveStateElsewhere(id);
  }

  async agentLoadState(id: AgentId, state: JsonValue): Promise<void> {
    this.assertUsable();
    await (this.instances.hasType(id.type)
      ? this.instances.slot(id).load(state)
      : this.loadStateElsewhere(id, state));
  }

  /** Does nothing without a state store. @throws AgentrtError `NO_SUCH_AGENT`, and what the store throws */
  async persist(id: AgentId): Promise<void> {
    if (!this.instances.hasType(id.type)) {
      throw noSuchAgent(id, this.instances.types);
    }
    await this.instances.find(id)?.saveIfChanged();
  }

  async saveState(): Promise<Readonly<Record<string, JsonValue>>> {
    const states = await Promise.all(
      this.instances.living().map(async (slot) => [slot.id.toString(), await slot.save()] as const),
    );
    return Object.fromEntries(states);
  }

  async loadState(states: Readonly<Record<string, JsonValue>>): Promise<void> {
    for (const [name, state] of Object.entries(states)) {
      await this.instances.slot(AgentId.parse(name)).load(state);
    }
  }

  /** Publishes a message of the short API on its topic. @throws AgentrtError `INVALID_TOPIC`, and as `publishMessage` */
  async publish(message: Message): Promise<void> {
    const { priority } = message.metadata;
    const headers = typeof priority === "string" ? { priority } : {};
    await this.publishMessage(message, Topic.parse(message.topic).toTopicId(), {
      priority: priorityOf(headers),
    });
  }

  /**
   * Calls `handler` with each message on a topic (`type`, `type/source` or a `Topic`), one at a
   * time for each source. Data of other JSON types than `Message` become its content.
   * @throws AgentrtError `INVALID_TOPIC`, `RUNTIME_STATE`
   */
  async subscribe(
    topic: string | Topic,
    handler: (message: Message, context: MessageContext) => void | Promise<void>,
  ): Promise<TopicSubscription> {
    return await this.#topicSubscriptions.subscribe(topic, handler satisfies TopicHandler);
  }

  /**
   * Lets handlers in flight finish up to a time, then aborts their signals; stores all states and
   * closes all agents. Messages that still wait are lost, and reported as dead letters.
   */
  protected async stopAgents(drainTimeoutMs: number): Promise<void> {
    await endsWithin(drainTimeoutMs, this.dispatcher.idle());
    this.#stopping.abort(new AgentrtError("WORKER_GONE", "The runtime is stopping."));
    this.dispatcher.close();
    const states = this.instances.living().map(async (slot) => await slot.saveIfChanged());
    const closing = Promise.allSettled(states).then(async (outcomes) => {
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") {
          logger.error("a state could not be saved while stopping", { error: outcome.reason });
        }
      }
      await this.instances.closeAll();
    });
    if (!(await endsWithin(Math.max(drainTimeoutMs, 1_000), closing))) {
      logger.warn("some agents did not close in time; they are left as they are");
    }
  }

  protected endCalls(errorFor: (recipient: AgentId) => AgentrtError): void {
    this.calls.failAll(errorFor);
  }
}
