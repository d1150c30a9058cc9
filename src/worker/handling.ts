import { getLogger } from "@logtape/logtape";
import type { Agent } from "../core/agent.ts";
import type { EventEnvelope, RequestEnvelope, ResponseEnvelope } from "../core/envelope.ts";
import { AgentrtError } from "../core/errors.ts";
import { HANDLED } from "../core/handler-calls.ts";
import type { MessageTracing } from "../telemetry/message-tracing.ts";
import type { AgentSlot } from "./agent-slot.ts";
import { answerOf, errorAnswerTo } from "./answer.ts";
import { type Circuit, isAgentFailure } from "./circuit.ts";
import { contextOf, type Delivery, describe, givenUp, type MessageDelivery } from "./delivery.ts";
import type { MutableDispatchCounts } from "./dispatch-counts.ts";
import { endsWithin } from "./ends-within.ts";
import { abortSignalOf, type SignalLike } from "./lazy-signal.ts";
import type { MessageTypes } from "./message-types.ts";
import { type RestartParts, restartInstance } from "./restart-instance.ts";
import { TimeLimit } from "./time-limit.ts";

const logger = getLogger(["agentrt", "worker"]);

/**
 * How long a handler whose time is up may take to end, when its signal tells it to. After that its
 * instance is taken to hang, and is made anew so that the mailbox can go on.
 */
const ABORT_GRACE_MS = 250;

interface Failure {
  readonly error: unknown;
}

export interface HandlingParts extends RestartParts {
  readonly messageTypes: MessageTypes;
  readonly counts: MutableDispatchCounts;
  readonly tracing: MessageTracing | undefined;
  /** The delivery ended without having been handled. */
  readonly onUnhandled: (delivery: Delivery, error: AgentrtError) => void;
}

/** Runs one delivery after the other of an instance, under the rules of its type. */
export class Handling {
  readonly #parts: HandlingParts;

  constructor(parts: HandlingParts) {
    this.#parts = parts;
  }

  /** Undefined when it has ended already; does not reject. */
  handle(delivery: Delivery): Promise<unknown> | undefined {
    const { slot } = delivery;
    if (delivery.signal.aborted) {
      // Nobody waits for it any more, so the agent need not do the work.
      this.#parts.onUnhandled(delivery, givenUp(slot.id));
      return undefined;
    }
    const { circuit } = slot.type;
    return circuit === undefined
      ? this.#runAndAnswer(delivery)
      : this.#runThrough(circuit, delivery);
  }

  /**
   * As `handle`, for an event whose instance is free and stands under no rules.
   * @param deliveryOf makes the delivery, which only a handler that does not end at once has to have
   */
  handleStraight(
    slot: AgentSlot,
    agent: Agent,
    event: EventEnvelope,
    deliveryOf: (slot: AgentSlot, event: EventEnvelope) => Delivery,
  ): Promise<unknown> | undefined {
    const { turnstile } = slot;
    if (!turnstile.tryEnter()) {
      return this.handle(deliveryOf(slot, event));
    }
    const running = this.#begin(agent, event, this.#parts.stopSignal);
    if (running !== HANDLED) {
      const outcome = turnstile.leaveAfter(running);
      return this.#awaitAndAnswer(deliveryOf(slot, event), outcome, undefined, undefined);
    }
    turnstile.leave();
    this.#parts.counts.handled += 1;
    slot.type.counts.handled += 1;
    slot.succeeded();
    return undefined;
  }

  async #runThrough(circuit: Circuit, delivery: Delivery): Promise<void> {
    try {
      await circuit.run(async () => {
        const failure = await this.#runAndAnswer(delivery);
        if (failure !== undefined) {
          throw failure.error;
        }
      });
    } catch (error) {
      if (error instanceof AgentrtError && error.code === "CIRCUIT_OPEN") {
        delivery.slot.type.counts.refused += 1;
        this.#parts.onUnhandled(delivery, error);
      }
      // Everything else was dealt with where it happened; the circuit had to see it.
    }
  }

  /** As `handle`; the failure, if there was one, is for the circuit to count. */
  #runAndAnswer(delivery: Delivery): Promise<Failure | undefined> | undefined {
    const { handlerTimeoutMs } = delivery.slot.type.policy;
    const limit =
      handlerTimeoutMs === undefined ? undefined : new TimeLimit(delivery, handlerTimeoutMs);
    const signal = limit?.signal ?? delivery.signal;
    const { tracing } = this.#parts;
    let running: Promise<object | undefined> | undefined;
    const run = (): Promise<object | undefined> => {
      const work = this.#run(delivery, signal);
      running = work;
      return work === HANDLED || limit === undefined ? work : limit.race(work);
    };
    // The span ends with the time limit, for a handler that hangs may never do so.
    const outcome =
      tracing === undefined || delivery.kind === "task"
        ? run()
        : tracing.handle(delivery.slot.id, delivery.envelope, run);
    return outcome === HANDLED && !delivery.slot.isStored
      ? this.#succeed(delivery, undefined)
      : this.#awaitAndAnswer(delivery, outcome, limit, running);
  }

  async #awaitAndAnswer(
    delivery: Delivery,
    outcome: Promise<object | undefined>,
    limit: TimeLimit | undefined,
    running: Promise<object | undefined> | undefined,
  ): Promise<Failure | undefined> {
    try {
      const result = await outcome;
      await this.#succeed(delivery, result);
      return undefined;
    } catch (error) {
      await this.#fail(delivery, error, limit?.isOver === true ? running : undefined);
      return { error };
    } finally {
      limit?.end();
    }
  }

  /** Undefined when all is done already. @throws AgentrtError of a result that cannot be encoded */
  #succeed(delivery: Delivery, result: object | undefined): Promise<undefined> | undefined {
    const { slot } = delivery;
    const record = delivery.kind === "message" ? delivery.record : undefined;
    if (record !== undefined) {
      slot.noteHandled(record.cursor, record.position);
    }
    // What a handler of an event gives is for nobody.
    const answer = this.#answerTo(delivery, record === undefined ? result : undefined);
    this.#parts.counts.handled += 1;
    slot.type.counts.handled += 1;
    slot.succeeded();
    if (!slot.isStored) {
      this.#respond(delivery, answer);
      return undefined;
    }
    return this.#saveState(slot).then((failure) => {
      const isUndone = record !== undefined && failure !== undefined && answer !== undefined;
      this.#respond(delivery, isUndone ? errorAnswerTo(answer.id, failure) : answer);
      return undefined;
    });
  }

  /** @param hanging the handler that ran into its time limit, if it did */
  async #fail(
    delivery: Delivery,
    error: unknown,
    hanging: Promise<unknown> | undefined,
  ): Promise<void> {
    const { slot } = delivery;
    this.#parts.counts.failed += 1;
    slot.type.counts.failed += 1;
    logger.error("an agent failed to handle a message", {
      agent: slot.id.toString(),
      ...describe(delivery),
      error,
    });
    const answer =
      delivery.kind === "message" ? errorAnswerTo(delivery.envelope.id, error) : undefined;
    if (hanging !== undefined) {
      slot.type.counts.timedOut += 1;
      this.#respond(delivery, answer);
    }
    const isHung = hanging !== undefined && !(await endsWithin(ABORT_GRACE_MS, settled(hanging)));
    if (!isHung) {
      await this.#saveState(slot);
    }
    if (hanging === undefined) {
      this.#respond(delivery, answer);
    }
    const isRestartDue = isAgentFailure(error) && slot.failed();
    if (isHung || isRestartDue) {
      restartInstance(
        this.#parts,
        slot,
        isHung ? "a handler hangs" : "it failed several times in a row",
      );
    }
  }

  #respond(delivery: Delivery, answer: ResponseEnvelope | undefined): void {
    if (delivery.kind === "message" && answer !== undefined) {
      const { tracing } = this.#parts;
      respondTo(delivery, tracing?.answer(delivery.envelope.headers, answer) ?? answer);
    }
  }

  /** Gives {@link HANDLED} when the handler has ended already. Does not throw, but may reject. */
  #run(delivery: Delivery, signal: SignalLike): Promise<object | undefined> {
    const { living, turnstile } = delivery.slot;
    if (delivery.kind === "task" || living === undefined || !turnstile.tryEnter()) {
      return this.#runWhenReady(delivery, signal);
    }
    const running = this.#begin(living, delivery.envelope, signal);
    if (running === HANDLED) {
      turnstile.leave();
      return HANDLED;
    }
    return turnstile.leaveAfter(running);
  }

  /** Does not throw, but may reject. */
  #begin(
    agent: Agent,
    envelope: EventEnvelope | RequestEnvelope,
    signal: SignalLike,
  ): Promise<object | undefined> {
    try {
      return agent.onMessage(this.#decode(envelope), contextOf(envelope, signal));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #runWhenReady(delivery: Delivery, signal: SignalLike): Promise<object | undefined> {
    const { slot } = delivery;
    const { turnstile } = slot;
    const isOpen = turnstile.enter();
    if (isOpen !== undefined) {
      await isOpen;
    }
    try {
      const agent = await slot.agent();
      if (delivery.kind === "task") {
        await delivery.task.run(abortSignalOf(signal));
        return undefined;
      }
      const { envelope } = delivery;
      return await agent.onMessage(this.#decode(envelope), contextOf(envelope, signal));
    } finally {
      turnstile.leave();
    }
  }

  #decode(envelope: EventEnvelope | RequestEnvelope): object {
    try {
      return this.#parts.messageTypes.decode(envelope.payload);
    } catch (error) {
      this.#parts.counts.undecodable += 1;
      throw error;
    }
  }

  #answerTo(delivery: Delivery, result: object | undefined): ResponseEnvelope | undefined {
    return delivery.kind === "message" && delivery.respond !== undefined
      ? answerOf(delivery.envelope.id, result, this.#parts.messageTypes)
      : undefined;
  }

  /**
   * A state that cannot be stored is not the message's failure: the agent did its work. But a durable record comes
   * again, and is done when its agent's state could be stored. @returns why it could not
   */
  async #saveState(slot: AgentSlot): Promise<unknown> {
    try {
      await slot.saveIfChanged();
      return undefined;
    } catch (error) {
      this.#parts.counts.statesNotSaved += 1;
      logger.error("the state of an agent could not be saved", {
        agent: slot.id.toString(),
        error,
      });
      return error;
    }
  }
}

/** Sends an answer, if the message is a call. */
export function respondTo(delivery: MessageDelivery, answer: ResponseEnvelope): void {
  try {
    delivery.respond?.(answer);
  } catch (error) {
    logger.error("an answer could not be sent", { ...describe(delivery), error });
  }
}

function settled(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => undefined,
    () => undefined,
  );
}
