// biome-ignore-all lint/style/noExcessiveLinesPerFile: one method for each of the public API, each a few lines
import { getLogger } from "@logtape/logtape";
import type { Agent, AgentFactory, AgentMetadata, AgentTask, JsonValue } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { EventEnvelope, Payload, RequestEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { MessageType } from "../core/message-type.ts";
import type {
  AgentConstructor,
  AgentRuntime,
  PublishOptions,
  RegisterOptions,
  SendOptions,
} from "../core/runtime.ts";
import type { Subscription } from "../core/subscription.ts";
import { SubscriptionIndex } from "../core/subscription-index.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { TypePolicy } from "../core/type-policy.ts";
import { MessageTracing } from "../telemetry/message-tracing.ts";
import { AgentInstances, noSuchAgent } from "./agent-instances.ts";
import { agentPolicy } from "./agent-policy.ts";
import type { DispatchCounts } from "./dispatch-counts.ts";
import { Dispatcher } from "./dispatcher.ts";
import { endsWithin } from "./ends-within.ts";
import { GivenInstances } from "./given-instances.ts";
import { Interventions } from "./interventions.ts";
import { assertIsolated } from "./isolation/isolated-factory.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { type Message, publishOptionsOf } from "./message.ts";
import { MessageTypes } from "./message-types.ts";
import { PendingCalls } from "./pending-calls.ts";
import { Repeats } from "./repeats.ts";
import { assertPolicy, type RuntimeOptions } from "./runtime-options.ts";
import type { RuntimeReport } from "./runtime-report.ts";
import { Sending } from "./sending.ts";
import { Topic } from "./topic.ts";
import {
  type TopicHandler,
  type TopicSubscription,
  TopicSubscriptions,
} from "./topic-subscriptions.ts";
import { unregisterType } from "./unregister-type.ts";

const logger = getLogger(["agentrt", "worker"]);

const NO_OPTIONS: PublishOptions = Object.freeze({});
const ACCEPTED: Promise<void> = Promise.resolve();

/**
 * What the runtimes have in common: the agents of this process, and both APIs over them. How
 * messages and registrations leave is each runtime's own.
 */
export abstract class LocalRuntime implements AgentRuntime, AsyncDisposable {
  protected readonly messageTypes = new MessageTypes();
  protected readonly subscriptions = new SubscriptionIndex();
  protected readonly instances: AgentInstances;
  protected readonly calls = new PendingCalls();
  protected readonly dispatcher: Dispatcher;
  readonly #options: RuntimeOptions;
  readonly #tracing: MessageTracing | undefined;
  readonly #repeats: Repeats;
  readonly #sending: Sending;
  readonly #given = new GivenInstances();
  readonly #stopping = new AbortController();
  readonly #topicSubscriptions = new TopicSubscriptions(this);
  #stopped: Promise<void> | undefined;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    const { stateStore, maxInstances, tracerProvider } = options;
    this.#tracing = tracerProvider === undefined ? undefined : new MessageTracing(tracerProvider);
    this.#sending = new Sending({
      messageTypes: this.messageTypes,
      calls: this.calls,
      interventions: new Interventions(options.interventionHandlers),
      callTimeoutMs: options.callTimeoutMs,
      transmit: (envelope, signal) => this.transmit(envelope, signal),
      tracing: this.#tracing,
      takeBare: (topic, sender, payload) => this.takeBare(topic, sender, payload),
    });
    this.#repeats = new Repeats(options.dedupWindowMs, options.dedupMaxEntries);
    this.instances = new AgentInstances({ runtime: this, stateStore, maxInstances });
    this.dispatcher = new Dispatcher({
      messageTypes: this.messageTypes,
      subscriptions: this.subscriptions,
      instances: this.instances,
      mailboxLimits: { maxMessages: options.mailboxMaxMessages, maxBytes: options.mailboxMaxBytes },
      mailboxFullPolicy: options.mailboxFullPolicy,
      repeats: this.#repeats,
      onDeadLetter: (letter) => options.onDeadLetter?.(letter),
      stopSignal: this.#stopping.signal,
      tracing: this.#tracing,
    });
  }

  /**
   * Takes a message on its way. Resolves when it is accepted; undefined, or what it throws, when that is
   * known at once. `signal` aborts when nobody waits for it any more.
   */
  protected abstract transmit(
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike | undefined,
  ): Promise<void> | undefined;
  /** The shortest way for a message that is its payload and nothing else; false where there is none now. */
  protected takeBare(_topic: TopicId, _sender: AgentId | undefined, _payload: Payload): boolean {
    return false;
  }

  protected abstract announceType(type: string, policy: TypePolicy | undefined): Promise<void>;
  protected abstract announceSubscription(subscription: Subscription): Promise<void>;
  protected abstract withdrawSubscription(id: string): Promise<void>;
  /** Tells the others that a type is given up, after the messages that they have sent to it. */
  protected abstract withdrawType(type: string): Promise<void>;
  protected abstract saveStateElsewhere(id: AgentId): Promise<JsonValue>;
  protected abstract loadStateElsewhere(id: AgentId, state: JsonValue): Promise<void>;
  /** @throws AgentrtError `RUNTIME_STATE` when nothing can be registered or sent any more */
  protected abstract assertUsable(): void;

  /** Messages that this runtime took in, and what became of them. */
  get counts(): DispatchCounts {
    return this.dispatcher.counts;
  }

  publishMessage(
    message: object,
    topic: TopicId,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<void> {
    // Not an async function: a message that is accepted at once costs no promise.
    try {
      this.assertUsable();
      return this.#sending.publish(message, topic, options) ?? ACCEPTED;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async sendMessage<R extends object = object>(
    message: object,
    recipient: AgentId,
    options: SendOptions = {},
  ): Promise<R | undefined> {
    this.assertUsable();
    return (await this.#sending.call(message, recipient, options)) as R | undefined;
  }

  async registerFactory(
    type: string,
    factory: AgentFactory,
    options?: RegisterOptions,
  ): Promise<void> {
    this.assertUsable();
    assertPolicy(type, options?.policy);
    const policy = agentPolicy(options, this.#options.agentDefaults);
    if (policy.isolate) {
      assertIsolated(type, factory);
    }
    // Known here first: the host may send messages before its answer to the registration is read.
    this.instances.addType(type, factory, policy);
    try {
      await this.announceType(type, options?.policy);
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

  /** Takes a type back, also at the host: its instances handle what they were sent, save and close. @throws AgentrtError `NO_SUCH_AGENT` */
  async unregisterFactory(type: string): Promise<void> {
    this.assertUsable();
    await unregisterType({
      ...{ type, instances: this.instances, dispatcher: this.dispatcher },
      subscriptions: this.subscriptions,
      withdrawSubscription: (id) => this.withdrawSubscription(id),
      withdrawType: () => this.withdrawType(type),
      timeoutMs: Math.max(this.#options.drainTimeoutMs, 1_000),
    });
  }

  async registerAgentInstance(agent: Agent, id: AgentId): Promise<void> {
    this.assertUsable();
    const isNewType = !this.#given.hasType(id.type);
    this.#given.add(agent, id);
    let isTypeAdded = false;
    try {
      if (isNewType) {
        const policy = agentPolicy({}, this.#options.agentDefaults);
        this.instances.addType(id.type, this.#given.factory, policy, { isGiven: true });
        isTypeAdded = true;
      }
      await this.instances.slot(id).agent();
      if (isNewType) {
        await this.announceType(id.type, undefined);
      }
    } catch (error) {
      this.#given.remove(id);
      if (isTypeAdded) {
        this.instances.removeType(id.type);
      }
      throw error;
    }
  }

  async addSubscription(subscription: Subscription): Promise<void> {
    this.assertUsable();
    this.subscriptions.add(subscription);
    this.#repeats.subscribed(subscription);
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

  async tryGetUnderlyingAgentInstance(id: AgentId): Promise<Agent>;
  async tryGetUnderlyingAgentInstance<T extends Agent>(
    id: AgentId,
    expected: AgentConstructor<T>,
  ): Promise<T>;
  async tryGetUnderlyingAgentInstance(
    id: AgentId,
    expected?: AgentConstructor<Agent>,
  ): Promise<Agent> {
    return await this.instances.agent(id, expected);
  }

  enqueueTask(id: AgentId, task: AgentTask): void {
    this.dispatcher.enqueueTask(id, task);
  }

  /** What this process does now and did: all its messages, and each agent type. */
  report(): RuntimeReport {
    return {
      pending: this.dispatcher.pending,
      dropped: this.#sending.dropped,
      counts: this.counts,
      agentTypes: this.instances.report(),
    };
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
    return await this.instances.states();
  }

  async loadState(states: Readonly<Record<string, JsonValue>>): Promise<void> {
    await this.instances.loadAll(states);
  }

  /** Publishes a message of the short API on its topic. @throws AgentrtError `INVALID_TOPIC`, and as `publishMessage` */
  async publish(message: Message): Promise<void> {
    const topic = Topic.parse(message.topic).toTopicId();
    await this.publishMessage(message, topic, publishOptionsOf(message));
  }

  /**
   * Calls `handler` with each message on a topic (`type`, `type/source` or a `Topic`), one at a
   * time for each source. Data of other JSON types than `Message` become its content.
   * @throws AgentrtError `INVALID_TOPIC`, `RUNTIME_STATE`
   */
  async subscribe(topic: string | Topic, handler: TopicHandler): Promise<TopicSubscription> {
    return await this.#topicSubscriptions.subscribe(topic, handler);
  }

  /**
   * Takes no more messages, lets handlers in flight finish up to `drainTimeoutMs`, stores states, closes
   * agents; a worker leaves its host before, and sends what is queued. Final; a second call waits for
   * the first.
   */
  async stop(): Promise<void> {
    this.#stopped ??= this.shutDown();
    await this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** What `stop` does, once. */
  protected async shutDown(): Promise<void> {
    await this.stopAgents(this.#options.drainTimeoutMs);
  }

  /**
   * Lets handlers in flight finish up to a time, then aborts their signals; stores all states and
   * closes all agents. Messages that still wait are lost, and reported as dead letters.
   */
  protected async stopAgents(drainTimeoutMs: number): Promise<void> {
    await endsWithin(drainTimeoutMs, this.dispatcher.idle());
    this.#stopping.abort(new AgentrtError("WORKER_GONE", "The runtime is stopping."));
    this.dispatcher.close();
    const closing = this.instances.saveAndCloseAll();
    if (!(await endsWithin(Math.max(drainTimeoutMs, 1_000), closing))) {
      logger.warn("some agents did not close in time; they are left as they are");
    }
  }
}
