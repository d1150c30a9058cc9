import { getLogger } from "@logtape/logtape";
import type { AgentId } from "../core/agent-id.ts";
import type { DeadLetter } from "../core/dead-letter.ts";
import {
  type EventEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  sizeOf,
} from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import type { QueueLimits } from "../core/prioritized-queue.ts";
import { priorityOf } from "../core/priority.ts";
import type { SubscriptionIndex } from "../core/subscription-index.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import type { AgentInstances } from "./agent-instances.ts";
import type { AgentSlot } from "./agent-slot.ts";
import { answerOf, errorAnswerTo } from "./answer.ts";
import {
  contextOf,
  type Delivery,
  describeEnvelope,
  givenUp,
  mailboxFull,
  stopping,
} from "./delivery.ts";
import { type DispatchCounts, newDispatchCounts } from "./dispatch-counts.ts";
import { Losses } from "./losses.ts";
import { Mailbox, type MailboxFullPolicy } from "./mailbox.ts";
import type { MessageTypes } from "./message-types.ts";
import { tracedHandling } from "./traced-messages.ts";
import { WorkCount } from "./work-count.ts";

const logger = getLogger(["agentrt", "worker"]);

export interface DispatcherOptions {
  readonly messageTypes: MessageTypes;
  readonly subscriptions: SubscriptionIndex;
  readonly instances: AgentInstances;
  readonly mailboxLimits: QueueLimits;
  readonly mailboxFullPolicy: MailboxFullPolicy;
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
  readonly #options: DispatcherOptions;
  readonly #mailboxes = new Map<AgentSlot, Mailbox<Delivery>>();
  #isRefusing = false;
  readonly #work = new WorkCount();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#losses = new Losses(options.onDeadLetter);
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

  /** Takes no more messages, because the runtime stops; those that wait are still handled. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** As `refuse`, and lets go of everything that waits; what is being handled goes on. */
  close(): void {
    this.refuse();
    for (const mailbox of this.#mailboxes.values()) {
      mailbox.clear();
    }
  }

  /** Gives an event to every subscribed agent of this process. Returns how many there are. */
  deliverEvent(envelope: EventEnvelope): number {
    const receivers = this.#receiversOf(envelope);
    this.#counts.eventsIn += 1;
    if (receivers.length === 0) {
      this.#counts.eventsUnmatched += 1;
      logger.debug("no local agent for an event", () => describeEnvelope(envelope));
    }
    for (const id of receivers) {
      try {
        this.#offer(
          this.#options.instances.slot(id),
          envelope,
          this.#options.stopSignal,
          undefined,
        );
      } catch (error) {
        this.#losses.add(id, envelope, AgentrtError.from(error), this.#isRefusing);
      }
    }
    return receivers.length;
  }

  /**
   * Gives a call to its agent; `respond` is called exactly once with the result or the error.
   * `signal` tells the handler that the caller gave up.
   */
  deliverRequest(
    envelope: RequestEnvelope,
    respond: (response: ResponseEnvelope) => void,
    signal?: AbortSignal,
  ): void {
    const { stopSignal } = this.#options;
    const either = signal === undefined ? stopSignal : AbortSignal.any([stopSignal, signal]);
    this.#counts.callsIn += 1;
    try {
      this.#offer(this.#options.instances.slot(envelope.target), envelope, either, respond);
    } catch (error) {
      this.#counts.callsFailed += 1;
      logger.warn("a call could not be delivered", { ...describeEnvelope(envelope), error });
      respond(errorAnswerTo(envelope.id, error));
    }
  }

  #receiversOf(envelope: EventEnvelope): readonly AgentId[] {
    const receivers = new Map<string, AgentId>();
    this.#options.subscriptions.forEachMatch(envelope.topic.type, (subscription) => {
      const id = subscription.mapToAgent(envelope.topic);
      if (!id.equals(envelope.sender) && this.#options.instances.hasType(id.type)) {
        receivers.set(subscription.agentType, id);
      }
    });
    return [...receivers.values()];
  }

  #offer(
    slot: AgentSlot,
    envelope: EventEnvelope | RequestEnvelope,
    signal: AbortSignal,
    respond: Delivery["respond"],
  ): void {
    if (this.#isRefusing) {
      throw stopping(slot.id);
    }
    const delivery: Delivery = {
      slot,
      envelope,
      signal,
      respond,
      bytes: sizeOf(envelope),
      priority: priorityOf(envelope.headers),
      canPushOut: envelope.kind === "event",
    };
    this.#work.begin();
    this.#mailboxOf(slot).offer(delivery);
  }

  #mailboxOf(slot: AgentSlot): Mailbox<Delivery> {
    const existing = this.#mailboxes.get(slot);
    if (existing !== undefined) {
      return existing;
    }
    const mailbox = new Mailbox<Delivery>({
      limits: this.#options.mailboxLimits,
      policy: this.#options.mailboxFullPolicy,
      handle: async (delivery) => await this.#handle(delivery),
      onDropped: (delivery) => this.#drop(delivery),
    });
    this.#mailboxes.set(slot, mailbox);
    return mailbox;
  }

  async #handle(delivery: Delivery): Promise<void> {
    const { envelope, respond, slot } = delivery;
    if (delivery.signal.aborted) {
      // Nobody waits for it any more, so the agent need not do the work.
      this.#endUnhandled(delivery, givenUp(slot.id));
      return;
    }
    try {
      const result = await tracedHandling(this.#options.tracing, delivery, () =>
        this.#run(delivery),
      );
      const answer =
        respond === undefined
          ? undefined
          : answerOf(envelope.id, result, this.#options.messageTypes);
      this.#counts.handled += 1;
      await this.#saveState(slot);
      this.#answer(delivery, answer);
    } catch (error) {
      this.#counts.failed += 1;
      logger.error("an agent failed to handle a message", {
        agent: slot.id.toString(),
        ...describeEnvelope(envelope),
        error,
      });
      await this.#saveState(slot);
      this.#answer(delivery, errorAnswerTo(envelope.id, error));
    }
    this.#finish(delivery);
  }

  async #run(delivery: Delivery): Promise<object | undefined> {
    const { slot, envelope, signal } = delivery;
    const isOpen = slot.enter();
    if (isOpen !== undefined) {
      await isOpen;
    }
    try {
      const agent = await slot.agent();
      return await agent.onMessage(this.#decode(envelope), contextOf(envelope, signal));
    } finally {
      slot.leave();
    }
  }

  #decode(envelope: EventEnvelope | RequestEnvelope): object {
    try {
      return this.#options.messageTypes.decode(envelope.payload);
    } catch (error) {
      this.#counts.undecodable += 1;
      throw error;
    }
  }

  /** A state that cannot be stored is not the message's failure: the agent did its work. */
  async #saveState(slot: AgentSlot): Promise<void> {
    try {
      await slot.saveIfChanged();
    } catch (error) {
      this.#counts.statesNotSaved += 1;
      logger.error("the state of an agent could not be saved", {
        agent: slot.id.toString(),
        error,
      });
    }
  }

  #answer(delivery: Delivery, answer: ResponseEnvelope | undefined): void {
    if (answer === undefined || delivery.respond === undefined) {
      return;
    }
    try {
      delivery.respond(answer);
    } catch (error) {
      logger.error("an answer could not be sent", {
        ...describeEnvelope(delivery.envelope),
        error,
      });
    }
  }

  /** The mailbox was full, or the runtime stops. */
  #drop(delivery: Delivery): void {
    const { slot } = delivery;
    this.#endUnhandled(
      delivery,
      this.#isRefusing ? stopping(slot.id) : mailboxFull(slot.id, this.#options.mailboxLimits),
    );
  }

  #endUnhandled(delivery: Delivery, error: AgentrtError): void {
    const { envelope, respond, slot } = delivery;
    if (respond === undefined) {
      this.#losses.add(slot.id, envelope, error, this.#isRefusing);
    } else {
      this.#counts.callsFailed += 1;
      this.#answer(delivery, errorAnswerTo(envelope.id, error));
    }
    this.#finish(delivery);
  }

  #finish(delivery: Delivery): void {
    this.#forgetIfVacant(delivery.slot);
    this.#work.end();
  }

  /** An instance that could not be made leaves nothing behind, once no message waits for it. */
  #forgetIfVacant(slot: AgentSlot): void {
    if (slot.isVacant && this.#mailboxes.get(slot)?.length === 0) {
      this.#mailboxes.delete(slot);
      this.#options.instances.forgetIfVacant(slot);
    }
  }
}
