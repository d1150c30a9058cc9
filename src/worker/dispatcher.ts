// biome-ignore-all lint/style/noExcessiveLinesPerFile: it is the one place that all messages pass
import { getLogger } from "@logtape/logtape";
import type { AgentTask } from "../core/agent.ts";
import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import type { EventEnvelope, RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { EventBatch } from "../core/event-batch.ts";
import { type DropReason, type FullQueuePolicy, makesWay } from "../core/full-queue.ts";
import type { QueueLimits } from "../core/prioritized-queue.ts";
import { retainedSlotOf } from "../core/retained-slot.ts";
import type { SubscriptionIndex } from "../core/subscription-index.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import type { AgentInstances } from "./agent-instances.ts";
import type { AgentSlot } from "./agent-slot.ts";
import { errorAnswerTo } from "./answer.ts";
import { BatchIntake } from "./batch-intake.ts";
import {
  type Delivery,
  describe,
  describeEnvelope,
  type MessageDelivery,
  madeWay,
  mailboxFull,
  messageDelivery,
  stopping,
} from "./delivery.ts";
import { type DispatchCounts, newDispatchCounts } from "./dispatch-counts.ts";
import { DurableIntake, type DurableRecord } from "./durable-intake.ts";
import { Handling, respondTo } from "./handling.ts";
import { eitherOf, type SignalLike } from "./lazy-signal.ts";
import { Losses } from "./losses.ts";
import type { Mailbox, MailboxFullPolicy } from "./mailbox.ts";
import { Mailboxes } from "./mailboxes.ts";
import type { MessageTypes } from "./message-types.ts";
import { Receivers } from "./receivers.ts";
import type { Repeats } from "./repeats.ts";
import { StraightRun } from "./straight-run.ts";
import { WorkCount } from "./work-count.ts";

const logger = getLogger(["agentrt", "worker"]);

/** What a timer's task counts against the mailbox's limit. */
const TASK_BYTES = 256;

export interface DispatcherOptions {
  readonly messageTypes: MessageTypes;
  readonly subscriptions: SubscriptionIndex;
  readonly instances: AgentInstances;
  readonly mailboxLimits: QueueLimits;
  readonly mailboxFullPolicy: MailboxFullPolicy;
  readonly repeats: Repeats;
  readonly onDeadLetter: (letter: DeadLetter) => void;
  /** Aborted when handlers have to end because the runtime stops. */
  readonly stopSignal: AbortSignal;
  readonly tracing: MessageTracing | undefined;
}

/**
 * Takes envelopes to the agents of this process: finds the receivers, makes instances that are
 * missing, and hands over one message at a time to each.
 *
 * An agent type with several subscriptions that match one topic gets the event once. (AutoGen's
 * Python worker hands it over once for each of them.) The sender itself is left out, as there.
 */
export class Dispatcher {
  readonly #counts = newDispatchCounts();
  readonly #losses: Losses;
  readonly #handling: Handling;
  readonly #options: DispatcherOptions;
  readonly #receivers: Receivers;
  readonly #mailboxes: Mailboxes;
  readonly #batches: BatchIntake;
  /** Takes records of durable topics, and reports how they went. */
  readonly durable: DurableIntake;
  #isRefusing = false;
  readonly #work = new WorkCount();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#receivers = new Receivers(options.subscriptions, options.instances);
    this.#losses = new Losses(options.onDeadLetter);
    this.#handling = new Handling({
      messageTypes: options.messageTypes,
      counts: this.#counts,
      stopSignal: options.stopSignal,
      tracing: options.tracing,
      onUnhandled: (delivery, error) => this.#endUnhandled(delivery, error),
      hold: (slot, until) => this.#mailboxes.find(slot)?.hold(until),
    });
    this.#mailboxes = new Mailboxes({
      instances: options.instances,
      limits: options.mailboxLimits,
      fullPolicy: options.mailboxFullPolicy,
      handle: (delivery) => this.#handle(delivery),
      onDropped: (delivery, reason) => this.#drop(delivery, reason),
    });
    this.durable = new DurableIntake({
      handled: options.instances.handled,
      counts: this.#counts,
      offer: (slot, event, respond, record) =>
        this.#offer(slot, event, options.stopSignal, respond, record),
      isRefusing: () => this.#isRefusing,
    });
    this.#batches = new BatchIntake({
      ...options,
      durable: this.durable,
      receivers: this.#receivers,
      mailboxes: this.#mailboxes,
      counts: this.#counts,
      offer: (slot, event) => this.#offer(slot, event, options.stopSignal, undefined),
      lose: (id, event, error) => this.#losses.add(id, event, error, this.#isRefusing),
      offerYielding: (slot, event) => this.#offerEvent(slot, event, event.route.fullQueue),
      deliverNamed: (event) => this.#deliverEvent(event, event.route.fullQueue),
      straight: this.#straightRun(),
      work: this.#work,
    });
  }

  get counts(): DispatchCounts {
    return { ...this.#counts, shed: this.#losses.count };
  }

  /** Messages that were accepted and not handled to the end yet. */
  get pending(): number {
    return this.#work.open;
  }

  /** Resolves when no message is waiting or being handled. */
  async idle(): Promise<void> {
    await this.#work.idle();
  }

  /** Calls `listener` after each handled message, until the returned function is called. */
  onHandled(listener: () => void): () => void {
    return this.#work.onEnd(listener);
  }

  /** True while the instance has messages that wait or are handled. */
  isBusy(slot: AgentSlot): boolean {
    return this.#mailboxes.find(slot)?.isIdle === false;
  }

  /** Takes no more messages, because the runtime stops; those that wait are still handled. */
  refuse(): void {
    this.#batches.settle();
    this.#isRefusing = true;
  }

  /** As `refuse`, and lets go of everything that waits; what is being handled goes on. */
  close(): void {
    this.refuse();
    this.#batches.close();
    this.#mailboxes.clear();
  }

  /** Gives an event to every subscribed agent of this process, unless it came before. Returns how many there are. */
  deliverEvent(envelope: EventEnvelope): number {
    this.#batches.settle();
    return this.#deliverEvent(envelope);
  }

  #deliverEvent(envelope: EventEnvelope, fullQueue?: FullQueuePolicy): number {
    const { instances, repeats } = this.#options;
    const receivers = this.#receivers.of(envelope);
    this.#counts.eventsIn += 1;
    if (receivers.length === 0) {
      this.#counts.eventsUnmatched += 1;
      logger.debug("no local agent for an event", () => describeEnvelope(envelope));
      return 0;
    }
    const fresh = repeats.fresh(envelope, receivers);
    if (fresh.length === 0) {
      this.#counts.duplicates += 1;
      logger.debug("an event came again", () => describeEnvelope(envelope));
      return 0;
    }
    let taken = 0;
    for (const id of fresh) {
      try {
        this.#offerEvent(instances.slot(id), envelope, fullQueue);
        taken += 1;
      } catch (error) {
        this.#losses.add(id, envelope, AgentrtError.from(error), this.#isRefusing);
      }
    }
    if (taken === 0) {
      repeats.forget(envelope);
    }
    return receivers.length;
  }

  /**
   * Gives the events of a batch to every subscribed agent, unless the batch came before; `taken` is called
   * when all of them are in a mailbox. @throws AgentrtError `BAD_FRAME` when its records are not whole
   */
  deliverBatch(batch: EventBatch, taken: () => void): void {
    this.#batches.take(batch, taken);
  }

  /**
   * Gives a call to its agent; `respond` is called exactly once with the result or the error.
   * `signal` tells the handler that the caller gave up.
   */
  deliverRequest(
    envelope: RequestEnvelope,
    respond: (response: ResponseEnvelope) => void,
    signal?: SignalLike,
  ): void {
    this.#batches.settle();
    const either = eitherOf(this.#options.stopSignal, signal);
    this.#counts.callsIn += 1;
    try {
      this.#offer(this.#options.instances.slot(envelope.target), envelope, either, respond);
    } catch (error) {
      this.#counts.callsFailed += 1;
      logger.warn("a call could not be delivered", { ...describeEnvelope(envelope), error });
      respond(errorAnswerTo(envelope.id, error));
    }
  }

  /** Gives an event or a call to one instance; `respond` is called exactly once, for an event too. */
  deliverTo(
    id: AgentId,
    envelope: EventEnvelope | RequestEnvelope,
    respond: (response: ResponseEnvelope) => void,
    signal: AbortSignal,
  ): void {
    try {
      this.#offer(this.#options.instances.slot(id), envelope, signal, respond);
    } catch (error) {
      respond(errorAnswerTo(envelope.id, error));
    }
  }

  /** Runs work of an agent in its turn. @throws AgentrtError `NO_SUCH_AGENT`; `WORKER_GONE` while stopping */
  enqueueTask(id: AgentId, task: AgentTask): void {
    if (this.#isRefusing) {
      throw stopping(id);
    }
    this.#take({
      kind: "task",
      slot: this.#options.instances.slot(id),
      task,
      signal: this.#options.stopSignal,
      bytes: TASK_BYTES,
      priority: "normal",
      canPushOut: false,
    });
  }

  #offer(
    slot: AgentSlot,
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike,
    respond: MessageDelivery["respond"],
    record?: DurableRecord,
  ): void {
    if (this.#isRefusing) {
      throw stopping(slot.id);
    }
    this.#take(messageDelivery(slot, envelope, signal, respond, record));
  }

  /** As `#offer`, for an event that may make way for others while it waits. */
  #offerEvent(slot: AgentSlot, event: EventEnvelope, fullQueue: FullQueuePolicy | undefined): void {
    if (this.#isRefusing || !makesWay(fullQueue)) {
      this.#offer(slot, event, this.#options.stopSignal, undefined);
      return;
    }
    const delivery = this.#deliveryOf(slot, event);
    const key = fullQueue === "keep-latest" ? retainedSlotOf(event) : undefined;
    this.#mailboxFor(delivery).offerYielding(delivery, key);
  }

  /** Undefined where each message needs more than to be handled. */
  #straightRun(): StraightRun | undefined {
    const deliveryOf = (slot: AgentSlot, event: EventEnvelope): Delivery =>
      this.#deliveryOf(slot, event);
    return this.#options.tracing !== undefined
      ? undefined
      : new StraightRun({
          isRefusing: () => this.#isRefusing,
          handle: (slot, agent, event) =>
            this.#ending(this.#handling.handleStraight(slot, agent, event, deliveryOf)),
          offer: (slot, event) => this.#offerEvent(slot, event, event.route.fullQueue),
        });
  }

  /** Of a plain event, which nobody waits for. */
  #deliveryOf(slot: AgentSlot, event: EventEnvelope): MessageDelivery {
    return messageDelivery(slot, event, this.#options.stopSignal, undefined, undefined);
  }

  /** Counts as work until it has ended. */
  #ending(handling: Promise<unknown> | undefined): Promise<unknown> | undefined {
    if (handling === undefined) {
      return undefined;
    }
    this.#work.begin();
    return handling.then(() => this.#work.end());
  }

  #take(delivery: Delivery): void {
    this.#mailboxFor(delivery).offer(delivery);
  }

  /** It counts as work from now on. */
  #mailboxFor({ slot }: Delivery): Mailbox<Delivery> {
    this.#work.begin();
    slot.type.idle?.remove(slot);
    return this.#mailboxes.of(slot);
  }

  #handle(delivery: Delivery): Promise<unknown> | undefined {
    const handling = this.#handling.handle(delivery);
    if (handling === undefined) {
      this.#finish(delivery);
      return undefined;
    }
    return handling.then(() => this.#finish(delivery));
  }

  /** The mailbox was full, a newer message has come, or the runtime stops. */
  #drop(delivery: Delivery, reason: DropReason | undefined): void {
    const { id } = delivery.slot;
    const error = this.#isRefusing
      ? stopping(id)
      : reason === undefined
        ? mailboxFull(id, this.#options.mailboxLimits)
        : madeWay(id, reason);
    this.#endUnhandled(delivery, error, reason !== undefined);
    this.#finish(delivery);
  }

  /** @param isDeclared true when its topic is declared so that it may go */
  #endUnhandled(delivery: Delivery, error: AgentrtError, isDeclared = false): void {
    const { slot } = delivery;
    if (delivery.kind === "task") {
      logger.debug("a timer did not run", {
        agent: slot.id.toString(),
        ...describe(delivery),
        error,
      });
    } else if (delivery.respond === undefined) {
      this.#losses.add(slot.id, delivery.envelope, error, isDeclared || this.#isRefusing);
    } else {
      this.#counts.callsFailed += 1;
      respondTo(delivery, errorAnswerTo(delivery.envelope.id, error));
    }
  }

  #finish(delivery: Delivery): void {
    if (delivery.kind === "task") {
      delivery.task.onEnd();
    }
    this.#work.end();
  }
}
