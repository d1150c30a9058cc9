// biome-ignore-all lint/style/noExcessiveLinesPerFile: the public API, a few lines each
import { getLogger } from "@logtape/logtape";
import type { JsonValue } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { Envelope, EventEnvelope, Payload, RequestEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { RETAIN_HEADER } from "../core/routing-headers.ts";
import type { Subscription } from "../core/subscription.ts";
import type { TopicId } from "../core/topic-id.ts";
import type { TypePolicy } from "../core/type-policy.ts";
import { willMetadata } from "../wire/autogen/last-will.ts";
import { Answers } from "./answers.ts";
import { batchedForm } from "./batched-form.ts";
import { Connection } from "./connection.ts";
import type { ConnectionState } from "./connection-state.ts";
import { ControlChannel } from "./control-channel.ts";
import { GivenUpCalls } from "./given-up-calls.ts";
import { handIn } from "./hand-in.ts";
import { handOver, isHandOver, takeLeave } from "./hand-over.ts";
import type { HostLink } from "./host-link.ts";
import { HostSchedules } from "./host-schedules.ts";
import { lastWillEvent } from "./last-will-event.ts";
import type { SignalLike } from "./lazy-signal.ts";
import { LocalRuntime } from "./local-runtime.ts";
import { callKeyOf, OutgoingEvent } from "./outgoing.ts";
import { OutgoingQueue } from "./outgoing-queue.ts";
import { OwnRetainedValues } from "./own-retained-values.ts";
import { Registrations } from "./registrations.ts";
import { signalled } from "./stop-when-signal.ts";
import { type WorkerOptions, type WorkerOptionsInput, workerOptions } from "./worker-options.ts";

const logger = getLogger(["agentrt", "worker"]);

/** How often a worker whose host goes away looks whether its calls have been answered. */
const CALLS_CHECK_MS = 5;

export type ConnectionListener = (state: ConnectionState) => void;

/**
 * A worker: runs agents in this process and joins them to a host, which routes between all
 * workers. Speaks AutoGen's protocol, so the host may be agentrt's or AutoGen's.
 *
 * It may be made, and agents registered, before there is a host; it connects again by itself when
 * the connection breaks. What is published meanwhile waits, up to `bufferMaxMessages` and
 * `bufferMaxBytes`. Calls always end: see `sendMessage`.
 *
 * ```ts
 * await using runtime = new GrpcWorkerAgentRuntime({ hostAddress: "localhost:50051" });
 * await runtime.connect();
 * await runtime.subscribe("alerts", (message) => notify(message.content));
 * await runtime.publish(new Message({ content: "hello", topic: "greetings" }));
 * ```
 */
export class GrpcWorkerAgentRuntime extends LocalRuntime {
  readonly #options: WorkerOptions;
  readonly #connection: Connection;
  readonly #registrations: Registrations;
  readonly #outgoing: OutgoingQueue;
  readonly #control: ControlChannel;
  readonly #answers: Answers;
  readonly #givenUp: GivenUpCalls;
  readonly #ownValues: OwnRetainedValues;
  readonly #listeners = new Set<ConnectionListener>();
  #unexpectedAnswers = 0;
  #badFrames = 0;

  /** @throws AgentrtError `INVALID_OPTION`; for the last will also `UNTYPED_MESSAGE`, `INVALID_MESSAGE`, `TOO_LARGE` */
  constructor(options: WorkerOptionsInput = {}) {
    const complete = workerOptions(options);
    super(complete);
    this.#options = complete;
    this.#registrations = new Registrations({
      policy: complete.registration,
      timeoutMs: complete.registerTimeoutMs,
      backoffInitialMs: complete.backoffInitialMs,
      backoffMaxMs: complete.backoffMaxMs,
    });
    // New for each runtime, since each numbers its records from 1.
    const producer = `${complete.clientId}.${crypto.randomUUID().slice(0, 8)}`;
    this.#ownValues = new OwnRetainedValues(complete);
    this.#outgoing = new OutgoingQueue({
      limits: { maxMessages: complete.bufferMaxMessages, maxBytes: complete.bufferMaxBytes },
      maxMessageBytes: complete.maxMessageBytes,
      producer,
      onWritten: (envelope) => {
        this.#ownValues.note(envelope);
        if (envelope.kind === "request") {
          this.calls.markSent(callKeyOf(envelope));
          this.#givenUp.noteSent(envelope);
        }
      },
    });
    this.#answers = new Answers(this.#outgoing, this.dispatcher);
    this.#givenUp = new GivenUpCalls(this.#outgoing, () => this.#connection.link);
    this.#control = new ControlChannel({
      clientId: complete.clientId,
      timeoutMs: complete.callTimeoutMs,
      save: async (id) => await this.instances.slot(id).save(),
      load: async (id, state) => await this.instances.slot(id).load(state),
    });
    const will = lastWillEvent(complete.lastWill, this.messageTypes);
    this.#connection = new Connection({
      options: complete,
      producer,
      channelMetadata: () => (will === undefined ? undefined : willMetadata(will)),
      outgoing: this.#outgoing,
      registrations: this.#registrations,
      onEnvelope: (envelope, link) => this.#receive(envelope, link),
      onBadFrame: (error, link) => {
        this.#badFrames += 1;
        this.#answers.refuse(error, link);
      },
      onBatch: (batch, taken) => this.dispatcher.deliverBatch(batch, taken),
      onCursorFloor: (cursor, floor) => this.instances.handled.setFloor(cursor, floor),
      onOpened: (link) => {
        this.dispatcher.durable.outcomes = link.outcomes;
      },
      onGoingAway: (link) => void this.#stepBack(link),
      onConnected: (link, signal) => {
        this.#control.connected(() => link.client.openControlChannel(), signal);
        void handIn(this.#ownValues, this.#outgoing, link, signal);
      },
      onDisconnected: (reason, link) => this.#lose(link, reason),
      onState: (state) => this.#tell(state),
    });
  }

  /** The id by which the host knows this worker. */
  get clientId(): string {
    return this.#options.clientId;
  }

  get hostAddress(): string {
    return this.#options.hostAddress;
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  get isConnected(): boolean {
    return this.#connection.link !== undefined;
  }

  /** What the host publishes again and again; see {@link HostSchedules}. It asks by a connection of its own. */
  get schedules(): HostSchedules {
    const { hostAddress, maxMessageBytes, callTimeoutMs: timeoutMs } = this.#options;
    const encode = (message: object): Payload => this.messageTypes.encode(message);
    return new HostSchedules({ hostAddress, maxMessageBytes, timeoutMs, encode });
  }

  /** Messages that wait to be sent. */
  get waitingMessages(): number {
    return this.#outgoing.length;
  }

  /** Answers that came twice, late or for no call of ours, and frames that could not be read. */
  get oddities(): { readonly unexpectedAnswers: number; readonly badFrames: number } {
    return { unexpectedAnswers: this.#unexpectedAnswers, badFrames: this.#badFrames };
  }

  /** Calls `listener` on each change of the connection, until the returned function is called. */
  onConnectionChange(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Connects, and resolves when the host has accepted everything registered so far. Waits for a
   * host that is not there yet, for ever without `connectTimeoutMs`. When it fails the runtime is
   * stopped; make a new one to try again.
   * @throws AgentrtError `AGENT_TYPE_TAKEN`, `SUBSCRIPTION_EXISTS`, `NOT_CONNECTED` after
   *   `connectTimeoutMs`, `CANCELLED` when the signal aborts, `RUNTIME_STATE` after `stop`
   */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.assertUsable();
    try {
      await this.#connection.start(signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** The same as `start`, in the words of the short API. */
  async connect(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.start(options);
  }

  /** Stops when the process gets one of the signals. A second one ends the process at once. */
  async stopWhenSignal(signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"]): Promise<void> {
    await signalled(signals);
    await this.stop();
  }

  protected transmit(
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike | undefined,
  ): Promise<void> | undefined {
    if (envelope.kind === "request") {
      this.#givenUp.watch(envelope, signal);
    } else if (
      envelope instanceof OutgoingEvent &&
      this.#outgoing.takesBatches &&
      ((signal === undefined && envelope.headers[RETAIN_HEADER] === undefined) ||
        this.#outgoing.isDurable(envelope.topic.type))
    ) {
      return this.#outgoing.publish(batchedForm(envelope));
    }
    return this.#outgoing.offer(envelope, signal);
  }

  protected override takeBare(
    topic: TopicId,
    sender: AgentId | undefined,
    payload: Payload,
  ): boolean {
    return this.#outgoing.publishBare(topic, sender, payload);
  }

  protected async announceType(agentType: string, policy: TypePolicy | undefined): Promise<void> {
    this.#control.serve();
    await this.#announce({ kind: "type", agentType, policy });
  }

  protected async announceSubscription(subscription: Subscription): Promise<void> {
    await this.#announce({ kind: "subscription", subscription });
  }

  protected async withdrawSubscription(id: string): Promise<void> {
    await this.#registrations.removeSubscription(id);
  }

  protected async withdrawType(agentType: string): Promise<void> {
    const { link } = this.#connection;
    const canHostForget = link?.can("leave-type") === true;
    if (this.#registrations.withdrawType(agentType, canHostForget) && link !== undefined) {
      await takeLeave(this.calls, this.#outgoing, link, this.#options.drainTimeoutMs, agentType);
    }
  }

  protected async saveStateElsewhere(id: AgentId): Promise<JsonValue> {
    return await this.#control.saveState(id);
  }

  protected async loadStateElsewhere(id: AgentId, state: JsonValue): Promise<void> {
    await this.#control.loadState(id, state);
  }

  protected assertUsable(): void {
    if (this.#connection.state.kind === "stopped") {
      throw new AgentrtError("RUNTIME_STATE", "The runtime has stopped. Make a new one.");
    }
  }

  /** Before `start` it is enough to note it: `start` tells the host, and fails if the host refuses. */
  async #announce(registration: Parameters<Registrations["add"]>[0]): Promise<void> {
    const accepted = this.#registrations.add(registration);
    if (this.#connection.state.kind === "idle") {
      accepted.catch(() => undefined);
      return;
    }
    await accepted;
  }

  protected override async shutDown(): Promise<void> {
    const { drainTimeoutMs } = this.#options;
    const { link } = this.#connection;
    if (link?.can("leave") === true && this.#registrations.mayShare) {
      await takeLeave(this.calls, this.#outgoing, link, drainTimeoutMs);
    }
    this.dispatcher.refuse();
    await this.#connection.stop(drainTimeoutMs, async () => {
      await this.stopAgents(drainTimeoutMs);
      this.dispatcher.durable.flush();
    });
    const stopped = new AgentrtError("WORKER_GONE", "The runtime stopped.");
    this.#registrations.close(stopped);
    this.calls.failAll(
      (recipient) =>
        new AgentrtError("WORKER_GONE", `The runtime stopped before agent ${recipient} answered.`),
    );
    const unsentMessages = this.#outgoing.clear();
    logger.info("worker stopped", { clientId: this.clientId, unsentMessages });
  }

  #receive(envelope: Envelope, link: HostLink): void {
    switch (envelope.kind) {
      case "event":
        if (!this.#ownValues.isOutdatedBy(envelope)) {
          this.dispatcher.deliverEvent(envelope);
        }
        break;
      case "request":
        if (isHandOver(envelope)) {
          void handOver(envelope, this.instances, this.dispatcher).then((response) =>
            this.#answers.send(response, link),
          );
          break;
        }
        this.#answers.take(envelope, link);
        break;
      case "response":
        if (!this.calls.settle(envelope)) {
          this.#unexpectedAnswers += 1;
          logger.debug("an answer came for no open call", { id: envelope.id });
        }
        break;
      default:
        envelope satisfies never;
    }
  }

  /** The host stops: what is asked of it is still answered, everything new waits for the next one. */
  async #stepBack(link: HostLink): Promise<void> {
    logger.info("the host is going away; what is sent now waits for its return", {
      hostAddress: this.hostAddress,
    });
    this.#outgoing.answerOnly();
    while (this.calls.sent > 0 && this.#connection.link === link) {
      await new Promise((resolve) => setTimeout(resolve, CALLS_CHECK_MS));
    }
    link.answerGoingAway();
  }

  /** Calls that the host has seen end now; those that wait in the queue go out on the next link. */
  #lose(link: HostLink, reason: AgentrtError): void {
    this.#answers.forget(link);
    this.calls.failSent(
      (recipient) =>
        new AgentrtError(
          "NOT_CONNECTED",
          `The connection to the host was lost before agent ${recipient} answered; the call may have been carried out. (${reason.message})`,
          { cause: reason },
        ),
    );
  }

  #tell(state: ConnectionState): void {
    for (const listener of this.#listeners) {
      listener(state);
    }
  }
}
